"""From a notebook that works to a Kestra flow that runs every morning."""
