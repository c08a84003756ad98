#!/usr/bin/env bash
# The official OpenAI client against the gateway, in front of the simulator and of a server that somebody else wrote.
# Needs what `make build plugins` makes. Installs what it needs into target/python.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=target/python
if [ ! -x "$venv/bin/pip" ]; then
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "installing python3-venv"
        apt-get update -qq && apt-get install -y -qq python3-venv
    fi
    python3 -m venv "$venv"
fi
# A copy of the list that was installed last says whether there is anything to do.
if ! cmp -s tests/python/requirements.txt "$venv/requirements.txt"; then
    "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/python/requirements.txt
    cp tests/python/requirements.txt "$venv/requirements.txt"
fi

exec "$venv/bin/python" -B -m unittest discover --start-directory tests/python "$@"
