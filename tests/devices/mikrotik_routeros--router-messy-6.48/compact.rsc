# nov/28/2026 09:14:01 by RouterOS 6.48.6
# software id = QW12-CU17
#
# model = RB1100AHx2
# serial number = 6F3205D1A0B2
/interface wireless security-profiles
add mode=dynamic-keys name=cu wpa2-pre-shared-key=khoa-wifi-cu
/snmp community
set [ find default=yes ] write-access=yes name=public
add addresses=10.0.0.0/8,::/0 name=CongDong-2017
/snmp
set enabled=yes trap-community=BayTrap77 trap-version=2
/system script
add dont-require-permissions=no name=backup owner=admin policy=\
    ftp,read,write,policy source=\
    "/system backup save name=cu password=MatKhauCu2017\r\n/tool fetch address=10.9.0.80 mode=ftp upload=yes src-path=cu.backup user=ftp password=\"Ftp-Cu-88\" dst-path=cu.backup"
/system identity
set name="RT-CU-2017"
# rasoat: end of export
