#!/usr/bin/env bash
# Builds the adapter: build.sh [OUT_DIR], target/plugins by default. Tools go into target/componentize-py.
# Ends with 3 if the tools are missing and cannot be installed.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../../../target/plugins}")
cd "$(dirname "$0")/../../.."

source=examples/plugins/python
tools=target/componentize-py

if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
    if ! { apt-get update -qq && apt-get install -y -qq python3-venv; } >/dev/null 2>&1; then
        echo "python3 with venv is missing: install it to build the adapter in Python" >&2
        exit 3
    fi
fi

mkdir -p "$out"
[ -x "$tools/bin/pip" ] || python3 -m venv "$tools"
# A copy of the list that was installed last says whether there is anything to do.
if ! cmp -s "$source/requirements.txt" "$tools/requirements.txt"; then
    if ! "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement "$source/requirements.txt"; then
        echo "pip cannot install componentize-py: see its messages above" >&2
        exit 3
    fi
    cp "$source/requirements.txt" "$tools/requirements.txt"
fi

# So do the sums of all that the last component was made of.
sums=$(sha256sum "$source"/*.* wit/0.1.0/*)
if [ "$sums" != "$(cat "$tools/sums" 2>/dev/null)" ]; then
    # A copy, because compiled files are left beside it.
    mkdir -p "$tools/source"
    cp "$source/adapter.py" "$tools/source"
    # Without VIRTUAL_ENV the tool would look at the libraries of the machine's Python.
    VIRTUAL_ENV=$PWD/$tools "$tools/bin/componentize-py" --quiet --wit-path wit/0.1.0 --world adapter-plugin \
        componentize --python-path "$tools/source" --output "$tools/python.wasm" adapter
    echo "$sums" >"$tools/sums"
fi

# Renamed, because a gateway may be watching.
if ! cmp -s "$tools/python.wasm" "$out/python.wasm"; then
    cp "$tools/python.wasm" "$out/.python.wasm.new"
    mv "$out/.python.wasm.new" "$out/python.wasm"
fi
