from bs4 import BeautifulSoup


def clean(frame):
    return frame.map(lambda text: BeautifulSoup(text, "lxml").get_text())
