# What the documents show is what happens: every ```sql block of README.md and of
# doc/*.md runs, page by page, in a database of its own that has the extension.
# A ```text block right after one is what it prints. Without one it must not fail.
#
# A page that begins with <!-- data: FILE ... --> runs in the folder that holds these
# files, QUOTETIER_DATA, by default ../shared/data. They are no part of this project:
# where they are not there, the page does not run, and we say so.
#
# Runs on the server that PGHOST and PGPORT name. With the argument "fill" it
# writes what is printed into the text blocks that are there: read the diff.
use strict;
use warnings;
use utf8;
use open qw(:std :encoding(UTF-8));
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Spec;
use File::Temp;
use Test::More;

my $root = dirname(abs_path(__FILE__)) . '/../..';
my $data = File::Spec->rel2abs($ENV{QUOTETIER_DATA} || "$root/../shared/data");
$ENV{PGCLIENTENCODING} = 'UTF8';
$ENV{PGTZ} = 'UTC';

# The blocks of a page: { line, sql, printed, printed_line }, the last two
# undefined without a text block.
sub blocks
{
	my ($page) = @_;
	my (@blocks, $kind, $text, $line);

	open(my $in, '<', "$root/$page") or die "$page: $!";
	while (<$in>)
	{
		if (!defined $kind && /^```(\w*)\s*$/)
		{
			($kind, $text, $line) = ($1, '', $.);
		}
		elsif (defined $kind && /^```\s*$/)
		{
			push @blocks, { line => $line, sql => $text } if $kind eq 'sql';
			@{ $blocks[-1] }{qw(printed printed_line)} = ($text, $line)
			  if $kind eq 'text' && @blocks && $blocks[-1]{open};
			$blocks[-1]{open} = ($kind eq 'sql') if @blocks;
			undef $kind;
		}
		elsif (defined $kind)
		{
			$text .= $_;
		}
		elsif (/\S/ && @blocks)
		{
			$blocks[-1]{open} = 0;    # prose between: no longer "right after"
		}
	}
	die "$page: a block is not closed\n" if defined $kind;
	return @blocks;
}

# The files that a page needs and that are not there.
sub lacks
{
	my ($page) = @_;
	open(my $in, '<', "$root/$page") or die "$page: $!";
	my ($files) = (<$in> // '') =~ /^<!-- data: (.*?) -->/ or return;
	return grep { !-r "$data/$_" } split(' ', $files);
}

sub psql
{
	my ($database, $script) = @_;
	my $file = File::Temp->new(SUFFIX => '.sql');
	binmode($file, ':encoding(UTF-8)');
	print $file $script;
	close($file);
	my $printed = qx{psql -X -q -d "$database" -f "$file" 2>&1};
	$printed =~ s/^psql:\S+:\d+: //mg;
	return $printed;
}

# White space at line ends and empty lines do not matter.
sub plain
{
	my ($text) = @_;
	$text =~ s/[ \t]+$//mg;
	$text =~ s/\n{2,}/\n/g;
	$text =~ s/^\n+|\n+$//g;
	return $text;
}

# Puts these texts into the text blocks of a page, those of its sql blocks in turn.
sub fill
{
	my ($page, @printed) = @_;
	open(my $in, '<', "$root/$page") or die "$page: $!";
	my @lines = <$in>;
	close($in);

	my @blocks = blocks($page);
	foreach my $i (reverse 0 .. $#blocks)    # from the end, so that line numbers hold
	{
		my ($old, $at) = @{ $blocks[$i] }{qw(printed printed_line)};
		next unless defined $old && defined $printed[$i];
		my $new = $printed[$i] =~ s/[ \t]+$//mgr =~ s/\n{3,}/\n\n/gr =~ s/\A\n+|\n+\z//gr;
		splice(@lines, $at, scalar(split(/^/m, $old)), "$new\n");
	}
	open(my $out, '>', "$root/$page") or die "$page: $!";
	print $out @lines;
	close($out);
}

my $filling = (@ARGV && $ARGV[0] eq 'fill');
chdir($data) if -d $data;
my $database = 'documents';
foreach my $page ('README.md', sort map { s{.*/(doc/)}{$1}r } glob("$root/doc/*.md"))
{
	if (my @lacks = lacks($page))
	{
		warn "$page did not run: no @lacks in $data\n";
		next;
	}
	my @blocks = blocks($page);
	my $script = '';

	psql('postgres', "DROP DATABASE IF EXISTS $database; CREATE DATABASE $database;");
	psql($database, 'CREATE EXTENSION quotetier CASCADE;') unless $page eq 'README.md';
	$script .= "\\echo ----block $_\n$blocks[$_]{sql}\n;\n" foreach 0 .. $#blocks;

	my (undef, @printed) = split(/^----block \d+\n/m, psql($database, $script), -1);
	if ($filling)
	{
		fill($page, @printed);
		fill('README.zh-CN.md', @printed) if $page eq 'README.md';
		next;
	}
	foreach my $i (0 .. $#blocks)
	{
		my $block = $blocks[$i];
		my $printed = plain($printed[$i] // '(did not run)');
		my $name = "$page, line $block->{line}";

		if (defined $block->{printed})
		{
			is($printed, plain($block->{printed}), $name);
		}
		else
		{
			unlike($printed, qr/^(ERROR|FATAL|invalid command|\(did not run)/m, $name);
		}
	}
}
psql('postgres', "DROP DATABASE $database;");
exit if $filling;

# The Chinese page shows the same statements, which ran above.
is_deeply([ map { [ $_->{sql}, $_->{printed} ] } blocks('README.zh-CN.md') ],
	[ map { [ $_->{sql}, $_->{printed} ] } blocks('README.md') ],
	'README.zh-CN.md has the statements of README.md');

done_testing();
