# A psql that stays connected, for tests in which sessions outlive what happens
# around them.
#
#	my $session = Session->new($connection_string);
#	$session->ask($sql)		runs it and returns what it printed, errors included
#	$session->send($sql)	the same without waiting; then
#	$session->answer		waits for what the oldest statement sent printed
#	$session->end			closes it; false if it had died
package Session;
use strict;
use warnings;
use IPC::Run ();

sub new
{
	my ($class, $connection) = @_;
	my $self = bless { in => '', out => '', timer => IPC::Run::timeout(180) }, $class;
	$self->{harness} = IPC::Run::start([ 'psql', '-XAtq', '-d', $connection ],
		'<' => \$self->{in}, '>' => \$self->{out}, '2>&1', $self->{timer});
	$self->{pid} = $self->ask('SELECT pg_backend_pid()');
	return $self;
}

sub send
{
	my ($self, $sql) = @_;
	$self->{in} .= "$sql;\n\\echo done\n";
	$self->{harness}->pump_nb;
	return;
}

sub answer
{
	my ($self) = @_;
	$self->{timer}->start(180);
	$self->{harness}->pump until $self->{out} =~ /^done$/m;
	$self->{out} =~ s/\A(.*?)\n?^done\n//ms;
	return $1;
}

sub ask
{
	my ($self, $sql) = @_;
	$self->send($sql);
	return $self->answer;
}

sub end
{
	my ($self) = @_;
	$self->{in} .= "\\q\n";
	return eval { $self->{harness}->finish };
}

1;
