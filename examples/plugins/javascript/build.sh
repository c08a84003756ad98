#!/usr/bin/env bash
# Builds the adapter and the strategy: build.sh [OUT_DIR], target/plugins by default. Tools go into target/javascript.
# Ends with 3 if the tools are missing and cannot be installed.
set -euo pipefail
out=$(realpath -m "${1:-$(dirname "$0")/../../../target/plugins}")
cd "$(dirname "$0")/../../.."

source=examples/plugins/javascript
tools=target/javascript

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    if ! { apt-get update -qq && apt-get install -y -qq nodejs npm; } >/dev/null 2>&1; then
        echo "node and npm are missing: install them to build plugins in JavaScript" >&2
        exit 3
    fi
fi

mkdir -p "$tools" "$out"
# A copy of the list that was installed last says whether there is anything to do.
if ! cmp -s "$source/package-lock.json" "$tools/installed.json"; then
    cp "$source/package.json" "$source/package-lock.json" "$tools"
    # Not `npm ci`, which refuses a list that lacks the libraries of machines other than this one.
    if ! npm install --prefix "$tools" --ignore-scripts --omit-lockfile-registry-resolved \
        --no-audit --no-fund --loglevel=error; then
        echo "npm cannot install componentize-js: see its messages above" >&2
        exit 3
    fi
    cp "$source/package-lock.json" "$tools/installed.json"
fi

# So do the sums of all that the last components were made of.
sums=$(sha256sum "$source"/*.* wit/0.1.0/*)
if [ "$sums" != "$(cat "$tools/sums" 2>/dev/null)" ]; then
    cp "$source/build.mjs" "$tools" # beside the library, where node looks for it
    node "$tools/build.mjs" "$source/adapter.js" wit/0.1.0 adapter-plugin "$tools/javascript.wasm"
    node "$tools/build.mjs" "$source/strategy.js" wit/0.1.0 strategy-plugin "$tools/sticky-caller.wasm"
    echo "$sums" >"$tools/sums"
fi

# Renamed, because a gateway may be watching.
for component in javascript.wasm sticky-caller.wasm; do
    if ! cmp -s "$tools/$component" "$out/$component"; then
        cp "$tools/$component" "$out/.$component.new"
        mv "$out/.$component.new" "$out/$component"
    fi
done
