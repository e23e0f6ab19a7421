#!/bin/sh
# Installs the packages of this flow, then starts Kestra. PIP_BREAK_SYSTEM_PACKAGES lets pip into a Python that the
# system manages (PEP 668); other Pythons do not look at it.
set -e
PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-deps -r "$(dirname "$0")/requirements.txt"
exec "${KESTRA:-./kestra}" server standalone "$@"
