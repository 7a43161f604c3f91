/** Networks in configuration and settings. */
import { z } from 'zod';

/** An address or a CIDR network, IPv4 or IPv6; checked where it is compiled. */
export const networkSchema = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'an IP address or network such as 192.0.2.0/24',
});
