"""``python -m kestra_nb`` is ``kestra-nb``."""

import sys

from kestra_nb.cli import main

sys.exit(main())
