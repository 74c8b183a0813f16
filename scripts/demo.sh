#!/bin/sh
# make demo: a collector on loopback with its database in .demo/, this machine enrolled, scanned at level 2 and shown.
set -eu
cd "$(dirname "$0")/.."
BIN="$PWD/.venv/bin/rasoat"
HOME_DIR="$PWD/.demo"
export RASOAT_DATA="$HOME_DIR/server"
export RASOAT_STATE_DIR="$HOME_DIR/agent"

stop() {
    [ -f "$HOME_DIR/server.pid" ] || return 0
    kill "$(cat "$HOME_DIR/server.pid")" 2>/dev/null || true
    rm -f "$HOME_DIR/server.pid"
}

if [ "${1:-start}" = stop ]; then
    stop
    exit 0
fi

stop
rm -rf "$HOME_DIR"
mkdir -p "$HOME_DIR"
PORT=$(.venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
URL="http://127.0.0.1:$PORT"

"$BIN" server init --lang en --unit "Demo" > "$HOME_DIR/init.txt"
"$BIN" server run --host 127.0.0.1 --port "$PORT" > "$HOME_DIR/server.log" 2>&1 &
echo $! > "$HOME_DIR/server.pid"
i=0
until .venv/bin/python -c "import urllib.request; urllib.request.urlopen('$URL/readyz', timeout=1)" 2>/dev/null; do
    i=$((i + 1))
    if [ $i -gt 60 ] || ! kill -0 "$(cat "$HOME_DIR/server.pid")" 2>/dev/null; then
        echo "the collector did not start; its log:" >&2
        cat "$HOME_DIR/server.log" >&2
        exit 1
    fi
    sleep 0.5
done

(umask 077 && "$BIN" server token new --quiet --uses 1 --hours 1 > "$HOME_DIR/token")
"$BIN" agent enrol "$URL" --token-file "$HOME_DIR/token"
rm -f "$HOME_DIR/token"
# 1 (something fails) and 3 (something was not seen) are answers, not errors
"$BIN" agent once --verbose || { code=$?; [ $code -eq 1 ] || [ $code -eq 3 ] || exit $code; }
echo
echo "----------------------------------------------------------------------"
echo "  Dashboard      $URL"
grep -E '^(Administrator|Password)' "$HOME_DIR/init.txt" | sed -E 's/^Administrator: +/  User           /; s/^Password[^:]*: +/  Password       /'
echo "----------------------------------------------------------------------"
if [ -n "${DETACH:-}" ]; then
    echo "  Stop it with   make demo-stop"
    exit 0
fi
trap 'stop; exit 0' INT TERM
echo "  Stop it with   Ctrl-C"
wait "$(cat "$HOME_DIR/server.pid")"
