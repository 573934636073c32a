/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How policies compare: wildcards, addresses, times and decimal numbers. Pure, without allocation,
 * total on any bytes.
 */
#ifndef KMS_KMS_MATCH_H
#define KMS_KMS_MATCH_H

#include "base/buf.h"

#define MATCH_IP_LEN 16

/* Addresses of one network; an IPv4 address stands as IPv6 has it, ::ffff:a.b.c.d. */
struct match_net {
	uint8_t ip[MATCH_IP_LEN];
	uint8_t bits; /* of the 128 */
};

/*
 * All of TEXT is what PATTERN says, where * stands for any characters or none and ? for one. A
 * character is one of UTF-8; FOLD: capitals of ASCII are as good as small letters. Takes no longer
 * than the product of the lengths.
 */
bool match_wildcard(struct slice pattern, struct slice text, bool fold);

/* The same bytes, but for the case of ASCII letters. */
bool match_equal_fold(struct slice a, struct slice b);

/* An IPv4 or IPv6 address; the zone behind % of a link-local one is cut off. */
bool match_ip_read(struct slice text, uint8_t ret[MATCH_IP_LEN]);

/* An address, or ADDRESS/BITS; bits of the host's part are forgotten. */
bool match_net_read(struct slice text, struct match_net *ret);

/* IPv6 networks hold no IPv4 addresses: ::/0 is every IPv6 address. */
bool match_net_has(const struct match_net *net, const uint8_t ip[MATCH_IP_LEN]);

/* YYYY-MM-DDThh:mm[:ss] with Z, +hh:mm or -hh:mm behind it, as seconds since 1970. */
bool match_time_read(struct slice text, int64_t *ret);

/* [+-]DIGITS[.DIGITS] in millionths, so that nothing is rounded: at most twelve digits before the
 * point and six behind it. */
#define MATCH_ONE 1000000
bool match_decimal_read(struct slice text, int64_t *ret);

#endif
