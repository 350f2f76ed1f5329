#!/usr/bin/perl
# A program of the old kind: it knows nothing of what runs before it.
use strict;
use warnings;
use JSON::PP;

open my $ran, '>>', $ENV{RAN} or die;
print {$ran} 'x';
my %identity = map { utf8::decode(my $value = $ENV{$_}); ($_ => $value) } grep { /USAGER|TRANCHE|PORTAIL|GATEWAY_S|REMOTE_USER/ } keys %ENV;
read(STDIN, my $body, $ENV{CONTENT_LENGTH} || 0);
print "Content-Type: application/json\r\n\r\n", JSON::PP->new->utf8->encode({ identity => \%identity, body => $body, nom => unpack 'H*', $ENV{HTTP_X_USAGER_NOM} // '' });
