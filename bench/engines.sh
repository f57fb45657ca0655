#!/bin/bash
# Quoting against rule engines of npm, over the same rules and lines (the 9 nested
# shapes of quote9): zen-engine with a decision table that stops at the first hit,
# json-rules-engine with a rule a rule. A line counts only if the engine's price is
# quote's, to the cent. Each engine keeps all rules in its own process, and needs
# them fed there; net_price reads the server's own.
#
#   SET="sizes=1000,10000,100000 lines=20000 rounds=5 seconds=1"
#
# npm: @gorules/zen-engine json-rules-engine
. "$(dirname "$0")/lib/shell.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
[ -d "${NODE_FOLDER:-.}/node_modules/@gorules" ] && [ -d "$NODE_FOLDER/node_modules/json-rules-engine" ] ||
	{ echo "npm or the network is not there to install @gorules/zen-engine and json-rules-engine: skipped"; exit 0; }
ln -s "$NODE_FOLDER/node_modules" .
sql -f "$here/lib/nested9.sql"
cp "$here/engines.mjs" .
PGOPTIONS='-c client_min_messages=warning' node engines.mjs
