# Eight writers on a tracked table for a minute (SOAK seconds), then kill -9 under them, five times.
use strict;
use warnings;
use LiveSoak;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('soak');
$node->init;
$node->start;
LiveSoak::crash($node, 5, LiveSoak::soak($node, $ENV{SOAK} // 60));
done_testing();
