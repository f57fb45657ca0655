# Eight writers on a tracked table for five seconds, then kill -9 under them.
use strict;
use warnings;
use LiveSoak;
use PostgreSQL::Test::Cluster;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('soak');
$node->init;
$node->start;
LiveSoak::crash($node, 1, LiveSoak::soak($node, $ENV{SOAK} // 5));
done_testing();
