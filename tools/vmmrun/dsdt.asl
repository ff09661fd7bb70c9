/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What the machine has, in ACPI's language: power-off, a PCI host bridge, and the legacy devices. Fixed hardware (power button,
 * PM timer, reset) is in the FADT, interrupt controllers are in the MADT.
 */
DefinitionBlock ("", "DSDT", 2, "VMM   ", "VMMDSDT ", 0x00000001)
{
	Name (\_S5, Package () { 0x05, 0x05, 0x00, 0x00 })

	Name (PICM, Zero)
	Method (\_PIC, 1, NotSerialized)
	{
		PICM = Arg0
	}

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, Zero)
			Name (_BBN, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0x0000, 0x0000, 0x00FF, 0x0000, 0x0100)
				IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0x0000, 0x0CF7, 0x0000, 0x0CF8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0x0000, 0x0D00, 0xFFFF, 0x0000, 0xF300)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
					     0x00000000, 0xC0000000, 0xFEBFFFFF, 0x00000000, 0x3EC00000)
			})

			/* Slots 1 to 15 have an interrupt pin each, level-triggered, from 17 on. */
			Name (_PRT, Package ()
			{
				Package () { 0x0001FFFF, Zero, Zero, 17 },
				Package () { 0x0002FFFF, Zero, Zero, 18 },
				Package () { 0x0003FFFF, Zero, Zero, 19 },
				Package () { 0x0004FFFF, Zero, Zero, 20 },
				Package () { 0x0005FFFF, Zero, Zero, 21 },
				Package () { 0x0006FFFF, Zero, Zero, 22 },
				Package () { 0x0007FFFF, Zero, Zero, 23 },
				Package () { 0x0008FFFF, Zero, Zero, 24 },
				Package () { 0x0009FFFF, Zero, Zero, 25 },
				Package () { 0x000AFFFF, Zero, Zero, 26 },
				Package () { 0x000BFFFF, Zero, Zero, 27 },
				Package () { 0x000CFFFF, Zero, Zero, 28 },
				Package () { 0x000DFFFF, Zero, Zero, 29 },
				Package () { 0x000EFFFF, Zero, Zero, 30 },
				Package () { 0x000FFFFF, Zero, Zero, 31 }
			})

			Device (ISA)
			{
				Name (_ADR, 0x001F0000)

				Device (PIC)
				{
					Name (_HID, EisaId ("PNP0000"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0020, 0x0020, 0x01, 0x02)
						IO (Decode16, 0x00A0, 0x00A0, 0x01, 0x02)
						IO (Decode16, 0x04D0, 0x04D0, 0x01, 0x02)
						IRQNoFlags () { 2 }
					})
				}

				Device (TIMR)
				{
					Name (_HID, EisaId ("PNP0100"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0040, 0x0040, 0x01, 0x04)
						IRQNoFlags () { 0 }
					})
				}

				Device (RTC)
				{
					Name (_HID, EisaId ("PNP0B00"))
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
						IRQNoFlags () { 8 }
					})
				}

				Device (COM1)
				{
					Name (_HID, EisaId ("PNP0501"))
					Name (_UID, One)
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
						IRQNoFlags () { 4 }
					})
				}

				/* Ports that belong to the board itself. */
				Device (SYSR)
				{
					Name (_HID, EisaId ("PNP0C02"))
					Name (_UID, One)
					Name (_CRS, ResourceTemplate ()
					{
						IO (Decode16, 0x0061, 0x0061, 0x01, 0x01)
						IO (Decode16, 0x0080, 0x0080, 0x01, 0x01)
						IO (Decode16, 0x0092, 0x0092, 0x01, 0x01)
						IO (Decode16, 0x00B2, 0x00B2, 0x01, 0x02)
						IO (Decode16, 0x0400, 0x0400, 0x01, 0x0C)
					})
				}
			}
		}

		Device (HPET)
		{
			Name (_HID, EisaId ("PNP0103"))
			Name (_UID, Zero)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0xFED00000, 0x00000400)
			})
		}

		/* Local APICs and the I/O APIC. */
		Device (APIC)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, 0x02)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadOnly, 0xFEC00000, 0x00001000)
				Memory32Fixed (ReadOnly, 0xFEE00000, 0x00001000)
			})
		}
	}
}
