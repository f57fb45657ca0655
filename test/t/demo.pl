# The main job end to end: demo/*.sql on the generated set, and every quoted line
# against the same policy written out in plain SQL.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use Test::More;

chdir(dirname(abs_path(__FILE__)) . '/../..') or die;
$ENV{PGCLIENTENCODING} = 'UTF8';

sub psql
{
	my ($database, @arguments) = @_;
	open(my $out, '-|', 'sh', '-c', 'exec psql "$@" 2>&1', 'psql', qw(-X -q -v ON_ERROR_STOP=1 -d), $database, @arguments)
	  or die "psql: $!";
	my $printed = join('', <$out>);
	close($out);
	return ($? == 0, $printed);
}

sub is_value
{
	my ($sql, $expected, $name) = @_;
	my (undef, $got) = psql('demo_test', '-At', '-c', $sql);
	chomp($got);
	is($got, $expected, $name);
}

psql('postgres', '-c', 'DROP DATABASE IF EXISTS demo_test', '-c', 'CREATE DATABASE demo_test');
psql('demo_test', '-c', 'SET client_min_messages = warning', '-c', 'CREATE EXTENSION quotetier CASCADE');

foreach my $part (qw(tables generate load customers policy report))
{
	my ($ok, $printed) = psql('demo_test', '-f', "demo/$part.sql");
	ok($ok, "demo/$part.sql") or diag($printed);
}

is_value(
	q{SELECT count(*), count(DISTINCT customer) FROM demo.line_report},
	'9994|793', 'every line of every customer is quoted');

is_value(
	q{
	SELECT count(*)
	FROM demo.line_report l
	WHERE l.status IS DISTINCT FROM 'ok'
	   OR l.list_amount IS DISTINCT FROM l.list_price * l.qty
	   OR l.policy_amount IS DISTINCT FROM
	      round(l.list_price * l.qty *
	            CASE WHEN l.customer = (SELECT scope ->> 'customer' FROM quotetier.rule WHERE step = 'contract') THEN 0.80
	            ELSE CASE l.tier WHEN 'silver' THEN 0.95 WHEN 'gold' THEN 0.92 WHEN 'platinum' THEN 0.88 ELSE 1 END *
	                 CASE WHEN l.region IN ('Central', 'South') AND l.category = 'Furniture'
	                       AND l.order_date BETWEEN '2016-11-01' AND '2016-12-26' THEN 0.85 ELSE 1 END *
	                 CASE WHEN l.qty >= 10 THEN 0.92 WHEN l.qty >= 5 THEN 0.96 ELSE 1 END
	            END, 2)},
	'0', 'and costs what plain SQL says');

is_value(
	q{
	SELECT count(*)
	FROM demo.customer_report c
	JOIN (SELECT customer_id, sum(amount) AS revenue, count(*) AS orders, '2018-01-01' - max(order_date) AS recency_days
	      FROM demo.orders GROUP BY 1) o USING (customer_id)
	WHERE (c.revenue, c.orders, c.recency_days) IS DISTINCT FROM (o.revenue, o.orders, o.recency_days)
	   OR c.tier IS DISTINCT FROM CASE WHEN o.revenue >= 6000 THEN 'platinum' WHEN o.revenue >= 3500 THEN 'gold'
	                                   WHEN o.revenue >= 1500 THEN 'silver' ELSE 'basic' END},
	'0', 'and customers have the revenue and tier that plain SQL says');

is_value(
	q{
	SELECT string_agg(DISTINCT format_type(atttypid, NULL), ', ' ORDER BY format_type(atttypid, NULL))
	FROM pg_attribute
	WHERE attrelid IN ('demo.customer_report'::regclass, 'demo.line_report'::regclass)},
	'bigint, date, integer, numeric, text', 'the views for BI tools have plain columns');

psql('postgres', '-c', 'DROP DATABASE demo_test');
done_testing();
