package Passerelle;

# Verifies every request before a Perl CGI program runs; the program itself stays as it is.
#
#     SetEnv PERL5LIB /etc/passerelle
#     SetEnv PERL5OPT -MPasserelle
#
# A program that begins with `#!/usr/bin/perl -T` (or -t) makes Perl ignore PERL5OPT: it is NOT protected. See ../README.md.
#
# Form `hmac` alone, with what comes with Perl 5.14 and later. The configuration is passerelle.json beside this file, or the
# file that the variable PASSERELLE_CONFIG names. The steps and their order: docs/signatures.md.
# Whatever goes wrong, the answer is 403 and the program does not run.

use strict;
use warnings;
use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use Fcntl qw(O_CREAT O_EXCL O_WRONLY);
use File::Basename qw(dirname);
use File::Spec;
use File::Temp;
use JSON::PP ();
use MIME::Base64 qw(decode_base64);

use constant MAX_BYTES => 4096;
# Longer than any signature is good for: 32 s and the tolerance at both ends.
use constant REMEMBERED_S => 300;
use constant DROPPED_BYTES => 10_000_000;
my %DEFAULTS = (
    form => undef, issuer => undef, audience => undef, headers => undef, secrets => undef, seen => undef, keys => '',
    allow_unbound => [], remote_user => '', charset => 'utf-8', max_body_bytes => 1_000_000, leeway_s => 60,
);
my %ENCODINGS = map { $_ => 1 } qw(utf-8 latin-1 percent base64 rfc8187);
my $SIGNATURE = qr/\Av1;kid=([0-9a-f]{16});ts=([1-9][0-9]{0,11});jti=([!-:<-~]{32});dec=([!-:<-~]+);pol=([0-9a-f]+);mac=([0-9a-f]{64})\z/;

# A refusal is a code with a line feed: other errors have a file and a line, and are told as `error`.
# The prototype matters: in a list, a match that fails is nothing at all, and the code would stand in its place.
sub need($$) { my ($holds, $code) = @_; die "$code\n" unless $holds; return }

# Letters and digits in lower case: what all spellings of a name have in common.
sub fold { my ($name) = @_; (my $folded = lc $name) =~ s/[^a-z0-9]//g; return $folded }

# The variable that CGI makes of a header.
sub variable { my ($name) = @_; (my $made = uc $name) =~ tr/-/_/; return "HTTP_$made" }

sub bytes_of {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "configuration\n";
    local $/;
    return scalar <$file>;
}

# A misspelt name is refused: it would leave a protection out in silence.
sub settings_from {
    my ($path) = @_;
    my $written = eval { JSON::PP->new->utf8->decode(bytes_of($path)) };
    need(ref $written eq 'HASH', 'configuration');
    my %settings = (%DEFAULTS, %{$written});
    need(!(grep { !exists $DEFAULTS{$_} || !defined $settings{$_} } keys %settings), 'configuration');
    need($settings{form} eq 'hmac' && @{ $settings{secrets} }, 'configuration');
    need($settings{issuer} ne '' && $settings{audience} ne '', 'configuration');
    need(!(grep { !$ENCODINGS{$_} } values %{ $settings{headers} }), 'configuration');
    need($settings{leeway_s} =~ /\A[0-9]+\z/ && $settings{leeway_s} <= 60, 'configuration');
    need($settings{remote_user} eq '' || $settings{headers}{ $settings{remote_user} }, 'configuration');
    need($settings{charset} =~ /\A(?:utf-8|latin-1)\z/, 'configuration');
    my $beside = sub { File::Spec->rel2abs($_[0], dirname($path)) };
    $settings{seen} = $beside->($settings{seen});
    $settings{secrets} = [map { my $secret = bytes_of($beside->($_)); $secret =~ s/[\r\n]+\z//; $secret } @{ $settings{secrets} }];
    need(!(grep { length $_ < 32 } @{ $settings{secrets} }), 'secrets');
    utf8::encode($settings{audience});
    return \%settings;
}

# A place ends with a slash and covers what is below, or is one path exactly.
sub allows_unbound {
    my ($settings) = @_;
    my ($path) = split /\?/, $ENV{REQUEST_URI}, 2;
    return scalar grep { $path eq $_ || (m{/\z} && index($path, $_) == 0) } @{ $settings->{allow_unbound} };
}

sub verify {
    my ($settings) = @_;
    need(defined $ENV{$_}, 'request') for qw(REQUEST_METHOD REQUEST_URI HTTP_HOST);
    my $field = $ENV{HTTP_X_GATEWAY_SIGNATURE};
    need(defined $field, 'not_one_signature');
    need(length $field <= MAX_BYTES, 'too_long');
    my ($kid, $ts, $jti, $dec, $pol, $mac) = $field =~ $SIGNATURE or die "malformed\n";
    my $secret = secret_of($settings, $kid);
    my @before = ($kid, $settings->{audience}, $ts, $jti, $dec, $pol, @ENV{qw(REQUEST_METHOD HTTP_HOST REQUEST_URI)});
    my @headers = present($settings);
    my $holds = sub { same($mac, hmac_sha256_hex("GWv1\n" . lengths(@before, $_[0], @headers), $secret)) };
    # First without the body: one that streams need not be read.
    my $unbound = allows_unbound($settings) && $holds->('unbound');
    need($unbound || $holds->(sha256_hex(body($settings->{max_body_bytes}))), 'signature');
    my $late = time - $ts;
    need($late >= -2 - $settings->{leeway_s} && $late <= 30 + $settings->{leeway_s}, 'time');
    return $jti;
}

sub secret_of {
    my ($settings, $kid) = @_;
    for my $secret (@{ $settings->{secrets} }) {
        return $secret if same(substr(sha256_hex("gateway key id\n$secret"), 0, 16), $kid);
    }
    die "kid\n";
}

# In the same time wherever they differ.
sub same {
    my ($one, $other) = @_;
    return 0 if length $one != length $other;
    my $differ = 0;
    $differ |= ord(substr $one, $_, 1) ^ ord(substr $other, $_, 1) for 0 .. length($one) - 1;
    return $differ == 0;
}

# Of the names that the policy injects, those that are there: their number, then name and value of each.
sub present {
    my ($settings) = @_;
    my @names = sort map { lc } grep { defined $ENV{ variable($_) } } keys %{ $settings->{headers} };
    return (scalar @names, map { ($_, $ENV{ variable($_) }) } @names);
}

sub lengths { return join '', map { length($_) . ":$_\n" } @_ }

# The body whole; the program then reads it from a file of its own, and nothing beyond it.
sub body {
    my ($at_most) = @_;
    my $length = $ENV{CONTENT_LENGTH} // '';
    need(($ENV{HTTP_TRANSFER_ENCODING} // '') eq '', 'body_unreadable');
    need($length =~ /\A[0-9]*\z/ && ($length || 0) <= $at_most, 'body_too_long');
    my $body = '';
    binmode STDIN;
    while (length $body < ($length || 0)) {
        read(STDIN, $body, $length - length $body, length $body) or die "body\n";
    }
    my $again = File::Temp->new;
    binmode $again;
    print {$again} $body;
    close $again or die "body\n";
    # The descriptor itself: what the program starts reads it too.
    open STDIN, '<', $again->filename or die "body\n";
    binmode STDIN;
    return $body;
}

# Refuse an id that was here before. Reading again does no harm.
sub once {
    my ($folder, $id) = @_;
    return if $ENV{REQUEST_METHOD} eq 'GET' || $ENV{REQUEST_METHOD} eq 'HEAD';
    my $name = "$folder/" . sha256_hex($id);
    need(-d $folder && -w _, 'seen');
    # Made or refused, in one step.
    sysopen my $made, $name, O_CREAT | O_EXCL | O_WRONLY or die "replayed\n";
    close $made;
    return if rand > 1 / 64;
    unlink grep { m{/[0-9a-f]{64}\z} && (stat)[9] < time - REMEMBERED_S } glob "$folder/*";
    return;
}

# The text of a value, in the program's own character set.
sub decoded {
    my ($value, $encoding, $charset) = @_;
    if ($encoding eq 'percent' || $encoding eq 'rfc8187') {
        need($encoding eq 'percent' || $value =~ s/\AUTF-8''//i, 'value_encoding');
        $value =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    } elsif ($encoding eq 'base64') {
        $value = decode_base64($value);
    } else {
        return $value;
    }
    my $text = $value;
    need(utf8::decode($text), 'value_encoding');
    return $value if $charset eq 'utf-8';
    need(utf8::downgrade($text, 1), 'value_charset');
    return $text;
}

# Take the identity away under every name that it has, then set what was verified.
sub hand_over {
    my ($settings) = @_;
    my %ours = map { fold($_) => 1 } keys %{ $settings->{headers} };
    my %values = map { my $value = $ENV{ variable($_) }; defined $value ? ($_ => $value) : () } keys %{ $settings->{headers} };
    for my $name (keys %ENV) {
        (my $bare = $name) =~ s/\A(?:REDIRECT_)*//;
        delete $ENV{$name} if $bare eq 'REMOTE_USER' && $settings->{remote_user} ne '';
        next unless $bare =~ s/\AHTTP_//;
        delete $ENV{$name} if $ours{ fold($bare) } || fold($bare) =~ /\Axgateway/;
    }
    for my $name (keys %values) {
        my $said = decoded($values{$name}, $settings->{headers}{$name}, $settings->{charset});
        $ENV{ variable($name) } = $said;
        $ENV{REMOTE_USER} = $said if $name eq $settings->{remote_user};
    }
    return;
}

sub guard {
    my $settings = settings_from($ENV{PASSERELLE_CONFIG} || dirname(File::Spec->rel2abs(__FILE__)) . '/passerelle.json');
    my $id = verify($settings);
    once($settings->{seen}, $id);
    hand_over($settings);
    # What the program starts is no request of its own.
    $ENV{PERL5OPT} =~ s/\s*-MPasserelle\b// if defined $ENV{PERL5OPT};
    return;
}

sub refuse {
    my ($error) = @_;
    my $code = $error =~ /\A([a-z_]+)\n\z/ ? $1 : 'error';
    print STDERR "passerelle: refused, code=$code\n";
    # A server that still holds a body would break the connection off instead of answering.
    my $left = $ENV{CONTENT_LENGTH} || (defined $ENV{HTTP_TRANSFER_ENCODING} ? DROPPED_BYTES : 0);
    $left = DROPPED_BYTES if $left !~ /\A[0-9]+\z/ || $left > DROPPED_BYTES;
    while ($left > 0 and my $read = read STDIN, my $dropped, $left < 65536 ? $left : 65536) { $left -= $read }
    binmode STDOUT;
    print "Status: 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n\r\n",
        "403. Cette page ne s\xe2\x80\x99ouvre que par la passerelle. / This page opens through the gateway alone.\n";
    exit 0;
}

# A command line has no request: cron jobs run as they did.
if (defined $ENV{REQUEST_METHOD} || defined $ENV{GATEWAY_INTERFACE}) {
    local $@;
    eval { guard(); 1 } or refuse($@);
}

1;
