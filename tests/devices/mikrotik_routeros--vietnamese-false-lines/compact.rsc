# 2026-11-28 09:14:01 by RouterOS 7.16.1
# software id = XA07-HAP2
#
# model = RB952Ui-5ac2nD
# serial number = HGK0A1B2C07
/system note
set note=\
    "*** C\E1\BA\A2NH B\C3\81O ***\r\n/ip service\r\nset telnet disabled=yes\r\nset www disabled=yes\r\n/ip firewall filter\r\nadd action=drop chain=input\r\nm\E1\BA\ADt kh\E1\BA\A9u: TuyetMat-55\r\n# rasoat: end of export" \
    show-at-cli-login=yes
/system script
add dont-require-permissions=no name=canh-bao owner=admin policy=read source=\
    "# /tool fetch upload=yes ; /export file=x\r\n:log info \"/ip service set telnet disabled=yes\"\r\n:global matkhau \"ToiMat-77\""
/snmp community
set [ find default=yes ] name="c\E1\BB\99ng \C4\91\E1\BB\93ng"
/system identity
set name=RT-XA-07
# rasoat: end of export
