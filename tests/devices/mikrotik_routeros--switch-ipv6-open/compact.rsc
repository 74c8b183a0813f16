# 2026-11-28 09:14:01 by RouterOS 7.12.2
# software id = CRS3-26IP
#
# model = CRS326-24S+2Q+
# serial number = HE908ZZQ1Y2
/snmp
set enabled=yes trap-community=public-x4 trap-version=3
/snmp community
set [ find default=yes ] addresses=10.40.99.0/24
add addresses=::/0 name=Khoa-Giam-Sat-01
/system identity
set name=SW-T2-CRS
# rasoat: end of export
