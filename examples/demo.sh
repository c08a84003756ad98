#!/usr/bin/env bash
# The demo: simulated vendors, the gateway in front of them, and lines to try. Ctrl-C stops both.
set -euo pipefail
cd "$(dirname "$0")/.."

gateway=127.0.0.1:8080
vendors=127.0.0.1:8090
pids=()

stop() {
    trap - EXIT INT TERM
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait
}
trap stop EXIT INT TERM

# Waits until a port is open, and gives up when the process that should open it has died.
opens() {
    local address=$1 pid=$2
    until (exec 3<>"/dev/tcp/${address/://}") 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || { echo "it did not start; is something else using $address?" >&2; exit 1; }
        sleep 0.1
    done
}

target/release/patchbay-simulator --listen "$vendors" --quiet &
pids+=($!)
opens "$vendors" "${pids[0]}"

target/release/patchbay serve --config examples/demo.toml &
pids+=($!)
opens "$gateway" "${pids[1]}"

cat <<LINES

The gateway answers on http://$gateway (key: demo, admin key: demo-admin), watching target/plugins and
examples/demo.toml. In another terminal:

  # a plugin that answers by itself, whole and streamed
  curl http://$gateway/v1/chat/completions -H 'Authorization: Bearer demo' \\
    -d '{"model": "echo", "messages": [{"role": "user", "content": "hello patchbay"}]}'
  curl -N http://$gateway/v1/chat/completions -H 'Authorization: Bearer demo' \\
    -d '{"model": "echo", "stream": true, "messages": [{"role": "user", "content": "hello patchbay"}]}'

  # two vendors behind one name, taking turns (look at the x-patchbay- headers)
  curl -i http://$gateway/v1/chat/completions -H 'Authorization: Bearer demo' \\
    -d '{"model": "small", "messages": [{"role": "user", "content": "hello"}]}'

  # one vendor first, the other when it fails
  curl -N http://$gateway/v1/chat/completions -H 'Authorization: Bearer demo' \\
    -d '{"model": "large", "stream": true, "messages": [{"role": "user", "content": "hello"}]}'

  # a vendor with an API of its own, translated by its adapter
  curl http://$gateway/v1/chat/completions -H 'Authorization: Bearer demo' \\
    -d '{"model": "translated", "messages": [{"role": "user", "content": "hello"}]}'

  # break the next two answers of the first vendor, then ask for "large" again and look at x-patchbay-attempts
  curl -X POST http://$vendors/control/rules -H 'content-type: application/json' \\
    -d '{"when": {"vendor": "sim-one"}, "times": 2, "then": {"cut_after": 0}}'

  # who was chosen, from whom and why; --failed for those in which something went wrong
  target/release/patchbay explain --config examples/demo.toml

  # what is running, and what it counts
  curl -s http://$gateway/admin/plugins -H 'Authorization: Bearer demo-admin'
  curl -s http://$gateway/metrics

Ctrl-C stops everything.

LINES
wait -n "${pids[@]}"
