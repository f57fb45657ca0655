#!/bin/bash
# Quoting against Medusa's pricing module (npm @medusajs/pricing, as its own server
# runs it) on the same PostgreSQL, with 1,000 prices: one a call, and 200 a call.
# Its rules are equalities counted: the price with most rules that hold. Prices of
# both must be equal.
#
#   SET="rounds=7 calls=200"
#
# npm: @medusajs/pricing @medusajs/framework
. "$(dirname "$0")/lib/shell.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
[ -d "${NODE_FOLDER:-.}/node_modules/@medusajs/pricing" ] && [ -d "$NODE_FOLDER/node_modules/@medusajs/modules-sdk" ] ||
	{ echo "npm or the network is not there to install @medusajs/pricing and @medusajs/framework: skipped"; exit 0; }
ln -s "$NODE_FOLDER/node_modules" .
cp "$here/medusa.mjs" .
MEDUSA_DISABLE_TELEMETRY=true node medusa.mjs
