# 2026-11-28 09:14:01 by RouterOS 7.16.1
# software id = D2A1-HAP2
#
# model = RB952Ui-5ac2nD
# serial number = HGK0A1B2C3D
/ip dns
set allow-remote-requests=yes
/snmp
set trap-community=public-x9
/system identity
set name=MikroTik
# rasoat: end of export
