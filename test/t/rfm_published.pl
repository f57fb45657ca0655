# What others published: the results of R's package rfm on its own sample, and the
# inputs of the CDNOW models. The samples, rfm_data_orders.csv.gz and others, are
# no part of this project: QUOTETIER_DATA names the folder, by default
# ../shared/data.
#
# Runs on the server that PGHOST and PGPORT name.
use strict;
use warnings;
use utf8;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp;
use Test::More;

my $data = $ENV{QUOTETIER_DATA} || dirname(abs_path(__FILE__)) . '/../../../shared/data';
plan skip_all => "no sample data in $data" unless -r "$data/rfm_data_orders.csv.gz";

my $database = 'rfm_published';

sub psql
{
	my ($db, $script) = @_;
	my $file = File::Temp->new(SUFFIX => '.sql');
	print $file $script;
	close($file);
	return qx{psql -X -q -A -t -d "$db" -f "$file" 2>&1};
}

psql('postgres', "DROP DATABASE IF EXISTS $database");
psql('postgres', "CREATE DATABASE $database");
my $csv = File::Temp->new;
system("gzip -dc '$data/rfm_data_orders.csv.gz' > '$csv'") == 0 or die 'gzip';
psql($database, qq{
	CREATE EXTENSION quotetier CASCADE;
	CREATE TABLE orders (customer text, day date, amount numeric);
	\\copy orders from '$csv' (format csv, header)
	CREATE TABLE scored AS SELECT * FROM quotetier.rfm_table('orders', 'customer', 'day', 'amount', '2006-12-31', 5, 'rfm_r', 'r_rfm');
});

is(psql($database, 'SELECT count(*), sum(frequency) FROM scored'), "995|4906\n", 'customers and orders');
is(psql($database, q{SELECT recency_cuts, frequency_cuts, monetary_cuts
	FROM quotetier.rfm_cuts('orders', 'customer', 'day', 'amount', '2006-12-31', 5, 'rfm_r', 'r_rfm')}),
	"{115,181,297.4,482}|{4,5,6,8}|{255.8,382,506.4,666}\n", 'thresholds');
is(psql($database, q{SELECT customer, recency_days, frequency, monetary, concat(r, f, m) FROM scored ORDER BY customer COLLATE "C" LIMIT 10}), <<'R', 'first ten customers');
Abbey O'Reilly|205|6|472|343
Add Senger|140|3|340|412
Aden Lesch|194|4|405|323
Aden Murphy|98|7|596|544
Admiral Senger|132|5|448|433
Agness O'Keefe|90|9|843|555
Aileen Barton|84|9|763|555
Ailene Hermann|281|8|699|355
Aiyanna Bruen|246|4|157|321
Akeelah Walsh|160|7|779|445
R
is(psql($database, q{SELECT segment, count(*), sum(frequency), sum(monetary), round(sum(monetary) / sum(frequency), 2)
	FROM scored GROUP BY 1 ORDER BY segment COLLATE "C"}), <<'R', 'segments of the vignette');
About To Sleep|102|283|23449|82.86
At Risk|28|216|22227|102.90
Can't Lose Them|47|274|32446|118.42
Champions|35|316|31646|100.15
Lost|148|393|35324|89.88
Loyal Customers|170|799|76562|95.82
Need Attention|10|57|4562|80.04
New Customers|104|329|28837|87.65
Potential Loyalist|342|2211|204856|92.65
Promising|9|28|4249|151.75
R

# the map of R's own tests, where unmatched customers are Others
psql($database, q{
	INSERT INTO quotetier.segment_map (name) VALUES ('r_test');
	INSERT INTO quotetier.segment (map, rank, name, r, f, m) VALUES
		('r_test', 1, 'Champions', '[4,5]', '[4,5]', '[4,5]'),
		('r_test', 2, 'Loyal Customers', '[2,5]', '[3,5]', '[3,5]'),
		('r_test', 3, 'Potential Loyalist', '[3,5]', '[1,3]', '[1,3]'),
		('r_test', 4, 'New Customers', '[4,5]', '[1,1]', '[1,1]'),
		('r_test', 5, 'Promising', '[3,4]', '[1,1]', '[1,1]'),
		('r_test', 6, 'Need Attention', '[2,3]', '[2,3]', '[2,3]'),
		('r_test', 7, 'About To Sleep', '[2,3]', '[1,2]', '[1,2]'),
		('r_test', 8, 'At Risk', '[1,2]', '[2,5]', '[2,5]'),
		('r_test', 9, 'Can''t Lose Them', '[1,1]', '[4,5]', '[4,5]'),
		('r_test', 10, 'Lost', '[1,2]', '[1,2]', '[1,2]');
});
is(psql($database, q{SELECT named, count(*), sum(frequency), sum(monetary)
	FROM (SELECT *, quotetier.rfm_segment(r, f, m, 'r_test') AS named FROM scored) s GROUP BY 1 ORDER BY named COLLATE "C"}), <<'R', q{segments of R's tests});
About To Sleep|50|127|10914
At Risk|86|438|44178
Champions|158|1234|120178
Lost|111|244|20955
Loyal Customers|278|1708|166712
Need Attention|35|144|13287
Others|48|210|22061
Potential Loyalist|229|801|65873
R
is(psql($database, q{SELECT sum(round(mean, 4))::numeric(10) FROM (SELECT avg(monetary) AS mean FROM scored GROUP BY f, r) heat}),
	"12634\n", 'sum of the heatmap');

# how many customers each way of cutting puts into scores 1 to 5
my %counts = (
	rfm_r    => "197 200 199 199 200|268 187 176 244 120|200 200 198 202 195\n",
	quantile => "197 201 198 199 200|268 187 176 244 120|199 201 197 203 195\n",
	ntile    => "199 199 199 199 199|199 199 199 199 199|199 199 199 199 199\n");
foreach my $mode (sort keys %counts)
{
	my $table = "quotetier.rfm_table('orders', 'customer', 'day', 'amount', '2006-12-31', 5, '$mode')";
	is(psql($database, 'SELECT ' . join(', ', map {
		"(SELECT string_agg(n::text, ' ' ORDER BY s) FROM (SELECT $_ AS s, count(*) AS n FROM $table GROUP BY 1) c)" } qw(r f m))),
		$counts{$mode}, "customers by score, $mode");
}

# ----- CDNOW: 39 weeks of the tenth of a cohort, orders of a day merged -----

my ($cdnow, $cbs) = (File::Temp->new, File::Temp->new);
system("gzip -dc '$data/cdnow_sample.csv.gz' > '$cdnow' && gzip -dc '$data/cdnow_cbs_39w.csv.gz' > '$cbs'") == 0 or die 'gzip';
psql($database, qq{
	CREATE TABLE cdnow (customer int, master int, day date, cds int, amount numeric);
	\\copy cdnow from '$cdnow' (format csv, header)
	CREATE TABLE cbs (customer int, x int, t_x numeric, t numeric, x_star int, m_x numeric);
	\\copy cbs from '$cbs' (format csv, header)
	CREATE TABLE input AS SELECT customer, s.*
	FROM (SELECT customer, quotetier.btyd_agg(day, amount) AS b FROM cdnow WHERE day <= '1997-09-30' GROUP BY 1) c,
		 quotetier.btyd_stats(b, '1997-09-30') s;
});
is(psql($database, q{SELECT count(*), sum(x), count(*) FILTER (WHERE x = 0), max(x), round(sum(t_x) / 7, 9), round(sum(t) / 7, 9),
	round(min(t) / 7.0, 3), round(max(t) / 7.0, 3) FROM input}),
	"2357|2457|1411|29|16135.571428571|77111.285714286|27.000|38.857\n", 'CDNOW: totals');
is(psql($database, q{SELECT string_agg(n::text, ' ' ORDER BY least) FROM (SELECT least(x, 7), count(*) AS n FROM input GROUP BY 1) h}),
	"1411 439 214 100 62 38 29 64\n", 'CDNOW: repeats');
is(psql($database, q{SELECT round(avg(m_x), 9), round(stddev(m_x), 6), min(m_x)::numeric(10,2), percentile_cont(0.5) WITHIN GROUP (ORDER BY m_x), round(max(m_x), 6)
	FROM input WHERE x > 0}), "35.077847534|30.283506|2.99|27.4975|299.633810\n", 'CDNOW: mean repeat spend');
is(psql($database, q{SELECT count(*) FROM input i JOIN cbs USING (customer)
	WHERE i.x = cbs.x AND round(i.t_x / 7.0, 9) = round(cbs.t_x, 9) AND round(i.t / 7.0, 9) = round(cbs.t, 9) AND round(i.m_x, 9) = round(cbs.m_x, 9)}),
	"2357\n", 'CDNOW: every customer as published');

psql('postgres', "DROP DATABASE $database");
done_testing();
