// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * host_use: can the host do without a device that one of its drivers holds? Asked before
 * ppt_force=1 takes it away. It cannot if, among the devices beneath it,
 *
 *   - a block device or partition is held exclusively: by a mounted file system, swap, RAID, LVM or
 *     encryption, none of which is told apart here; or is a path of a multipath device, whose
 *     users stand elsewhere;
 *   - a network interface is what the default route goes out of (IPv4 or IPv6, initial namespace),
 *     directly or below a bridge, bond or VLAN. Addresses reserved for documentation stand for
 *     those that only the default route serves (RFC 5737, RFC 3849).
 */
#include <linux/blkdev.h>
#include <linux/err.h>
#include <linux/inetdevice.h>
#include <linux/netdevice.h>
#include <linux/string.h>
#include <net/ipv6_stubs.h>
#include <net/net_namespace.h>
#include <net/route.h>
#include "ppt_priv.h"

#define SOMEWHERE_IPV4		0xc0000201	/* 192.0.2.1 */
#define SOMEWHERE_IPV6		0x20010db8	/* 2001:db8::, its first word */

struct host_use {
	char *why;
	size_t size;
};

static bool class_is(const struct device *dev, const char *name)
{
	return dev->class && !strcmp(dev->class->name, name);
}

static bool block_uses(struct device *dev, struct host_use *use)
{
	const struct block_device *bdev = dev_to_bdev(dev);

	if (READ_ONCE(bdev->bd_holder)) {
		snprintf(use->why, use->size, "%s is mounted or otherwise held", dev_name(dev));
		return true;
	}
	if (bdev->bd_disk->flags & GENHD_FL_HIDDEN) {
		snprintf(use->why, use->size, "%s is a path of a multipath device", dev_name(dev));
		return true;
	}
	return false;
}

/* Is @route_dev @dev, or made of it? */
static bool route_leads_to(struct net_device *route_dev, struct net_device *dev)
{
	bool leads;

	rcu_read_lock();
	leads = route_dev == dev || netdev_has_upper_dev_all_rcu(dev, route_dev);
	rcu_read_unlock();
	return leads;
}

static bool default_route_ipv4(struct net_device *dev)
{
	struct flowi4 flow = { .daddr = htonl(SOMEWHERE_IPV4) };
	struct rtable *route = ip_route_output_key(&init_net, &flow);
	bool leads;

	if (IS_ERR(route))
		return false;
	leads = route_leads_to(route->dst.dev, dev);
	ip_rt_put(route);
	return leads;
}

static bool default_route_ipv6(struct net_device *dev)
{
	struct flowi6 flow = { .daddr.s6_addr32 = { htonl(SOMEWHERE_IPV6), 0, 0, htonl(1) } };
	struct dst_entry *dst = ipv6_stub->ipv6_dst_lookup_flow(&init_net, NULL, &flow, NULL);
	bool leads;

	if (IS_ERR(dst))
		return false;
	leads = route_leads_to(dst->dev, dev);
	dst_release(dst);
	return leads;
}

static bool net_uses(struct device *dev, struct host_use *use)
{
	struct net_device *netdev = to_net_dev(dev);

	if (!default_route_ipv4(netdev) && !default_route_ipv6(netdev))
		return false;
	snprintf(use->why, use->size, "the default route goes through %s", netdev_name(netdev));
	return true;
}

static int device_uses(struct device *dev, void *data)
{
	if (class_is(dev, "block") && block_uses(dev, data))
		return 1;
	if (class_is(dev, "net") && net_uses(dev, data))
		return 1;
	return device_for_each_child(dev, data, device_uses);
}

bool host_uses(struct pci_dev *pdev, char *why, size_t size)
{
	struct host_use use = { .why = why, .size = size };

	return device_for_each_child(&pdev->dev, &use, device_uses);
}
