# A price book with a judge beside it, for tests of what a quote sees.
#
# setup(N) is SQL that makes a policy "look" of N rules that each give a product
# its list price, ten that take off a percentage by tier, and one with brackets.
# The view "look" quotes 440 lines and prices them by a plain SELECT in the same
# statement as well: how many are different, how many have a price, and the price
# of the first product, by which a test tells what was seen.
package RuleLook;
use strict;
use warnings;
use Test::More;

use constant LOOK => 'SELECT different, first FROM look';

sub setup
{
	my ($rules) = @_;
	return qq{
	SET client_min_messages = warning;
	CREATE EXTENSION IF NOT EXISTS quotetier CASCADE;
	INSERT INTO quotetier.dimension (name) VALUES ('sku'), ('tier');
	INSERT INTO quotetier.policy (name, round_increment) VALUES ('look', 0.01);
	INSERT INTO quotetier.step (policy, seq, name, pick) VALUES ('look', 1, 'list', 'first'), ('look', 2, 'tier', 'best'), ('look', 3, 'volume', 'best');
	SET session_replication_role = replica;   -- the checks take long
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
	SELECT i, 'look', 'list', jsonb_build_object('sku', 'S' || i), 'price', i FROM generate_series(1, $rules) i;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, value)
	SELECT 1000000 + i, 'look', 'tier', jsonb_build_object('tier', 'T' || i), 'percent_off', i FROM generate_series(1, 10) i;
	INSERT INTO quotetier.rule (id, policy, step, scope, adjust, scale_mode) VALUES (1000020, 'look', 'volume', '{}', 'percent_off', 'volume');
	INSERT INTO quotetier.scale (rule, from_value, to_value, value) VALUES (1000020, 5, 10, 4), (1000020, 10, NULL, 8);
	RESET session_replication_role;
	CREATE TABLE line AS
	SELECT i AS id, 'S' || 1 + i * ($rules / 400) AS sku, 'T' || i % 12 AS tier, 1 + i % 13 AS qty FROM generate_series(0, 439) i;
	ANALYZE quotetier.rule, line;
	CREATE VIEW compared AS
	SELECT l.*, q.net_amount AS quoted, round(list.price * l.qty * (1 - coalesce(tier.percent, 0) / 100) * (1 - coalesce(volume.percent, 0) / 100), 2) AS selected
	FROM line l CROSS JOIN LATERAL quotetier.quote(l, l.qty, '2025-01-01', 'look') q
	LEFT JOIN (SELECT scope ->> 'sku' AS sku, min(value) AS price FROM quotetier.rule
		WHERE policy = 'look' AND step = 'list' AND scope ->> 'sku' IN (SELECT sku FROM line) GROUP BY 1) list USING (sku)
	LEFT JOIN (SELECT scope ->> 'tier' AS tier, max(value) AS percent FROM quotetier.rule WHERE policy = 'look' AND step = 'tier' GROUP BY 1) tier USING (tier)
	LEFT JOIN LATERAL (SELECT max(s.value) AS percent FROM quotetier.rule r JOIN quotetier.scale s ON s.rule = r.id
		WHERE r.policy = 'look' AND r.step = 'volume' AND s.from_value <= l.qty AND (s.to_value IS NULL OR l.qty < s.to_value)) volume ON true;
	CREATE VIEW look AS
	SELECT count(*) FILTER (WHERE quoted IS DISTINCT FROM selected) AS different, count(quoted) AS priced,
		(SELECT min(value) FROM quotetier.rule WHERE policy = 'look' AND scope ->> 'sku' = 'S1') AS first FROM compared;
	};
}

# The session sees no difference, and this price of the first product.
sub sees
{
	my ($session, $price, $what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is($session->ask(LOOK), "0|$price", $what);
}

1;
