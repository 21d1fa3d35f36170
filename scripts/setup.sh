#!/bin/sh
# Create a virtual environment with the locked packages and this project in it. Usage: setup.sh DIR
set -eu
venv=$1
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null 2>&1 || ! "$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    if command -v apt-get >/dev/null 2>&1 && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }; then
        echo "setup: installing python3 and python3-venv with apt-get" >&2
        sudo=$([ "$(id -u)" = 0 ] || echo sudo)
        $sudo apt-get -qq update
        $sudo apt-get -qq install -y python3 python3-venv >/dev/null
    fi
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "setup: needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2
    exit 1
}

echo "setup: packages into $venv (first time only)" >&2
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
