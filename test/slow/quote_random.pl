# test/t/quote_random.pl with a million lines.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);

$ENV{QUOTETIER_LINES} ||= 1_000_000;
my $test = dirname(abs_path(__FILE__)) . '/../t/quote_random.pl';
do $test or die $@ || $!;
