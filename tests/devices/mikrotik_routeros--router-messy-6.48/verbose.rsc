# nov/28/2026 09:14:01 by RouterOS 6.48.6
# software id = QW12-CU17
#
# model = RB1100AHx2
# serial number = 6F3205D1A0B2
/interface bridge
add admin-mac=E4:8D:8C:33:44:02 ageing-time=5m arp=proxy-arp arp-timeout=auto \
    auto-mac=no comment=defconf dhcp-snooping=no disabled=no fast-forward=yes \
    forward-delay=15s igmp-snooping=no max-message-age=20s mtu=auto name=\
    bridge1 priority=0x8000 protocol-mode=rstp transmit-hold-count=6 \
    vlan-filtering=no
/interface ethernet
set [ find default-name=ether1 ] advertise=\
    10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-half,1G-baseT-full \
    arp=enabled arp-timeout=auto auto-negotiation=yes bandwidth=\
    unlimited/unlimited disabled=no l2mtu=1514 loop-protect=default \
    loop-protect-disable-time=5m loop-protect-send-interval=5s mac-address=\
    E4:8D:8C:33:44:01 mtu=1500 name=ether1 orig-mac-address=E4:8D:8C:33:44:01 \
    rx-flow-control=off tx-flow-control=off
set [ find default-name=ether2 ] advertise=\
    10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-half,1G-baseT-full \
    arp=enabled arp-timeout=auto auto-negotiation=yes bandwidth=\
    unlimited/unlimited disabled=no l2mtu=1514 loop-protect=default \
    loop-protect-disable-time=5m loop-protect-send-interval=5s mac-address=\
    E4:8D:8C:33:44:02 mtu=1500 name=ether2 orig-mac-address=E4:8D:8C:33:44:02 \
    rx-flow-control=off tx-flow-control=off
set [ find default-name=ether3 ] advertise=\
    10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-half,1G-baseT-full \
    arp=enabled arp-timeout=auto auto-negotiation=yes bandwidth=\
    unlimited/unlimited disabled=no l2mtu=1514 loop-protect=default \
    loop-protect-disable-time=5m loop-protect-send-interval=5s mac-address=\
    E4:8D:8C:33:44:03 mtu=1500 name=ether3 orig-mac-address=E4:8D:8C:33:44:03 \
    rx-flow-control=off tx-flow-control=off
set [ find default-name=ether4 ] advertise=\
    10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-half,1G-baseT-full \
    arp=enabled arp-timeout=auto auto-negotiation=yes bandwidth=\
    unlimited/unlimited disabled=no l2mtu=1514 loop-protect=default \
    loop-protect-disable-time=5m loop-protect-send-interval=5s mac-address=\
    E4:8D:8C:33:44:04 mtu=1500 name=ether4 orig-mac-address=E4:8D:8C:33:44:04 \
    rx-flow-control=off tx-flow-control=off
set [ find default-name=ether5 ] advertise=\
    10M-baseT-half,10M-baseT-full,100M-baseT-half,100M-baseT-full,1G-baseT-half,1G-baseT-full \
    arp=enabled arp-timeout=auto auto-negotiation=yes bandwidth=\
    unlimited/unlimited disabled=no l2mtu=1514 loop-protect=default \
    loop-protect-disable-time=5m loop-protect-send-interval=5s mac-address=\
    E4:8D:8C:33:44:05 mtu=1500 name=ether5 orig-mac-address=E4:8D:8C:33:44:05 \
    rx-flow-control=off tx-flow-control=off
/interface vrrp
add arp=enabled arp-timeout=auto authentication=simple disabled=no interface=\
    bridge1 interval=1s mtu=1500 name=vrrp1 on-backup="" on-master="" \
    preemption-mode=yes priority=100 v3-protocol=ipv4 version=2 vrid=1
add arp=enabled arp-timeout=auto authentication=ah disabled=no interface=\
    ether5 interval=1s mtu=1500 name=vrrp2 on-backup="" on-master="" \
    preemption-mode=yes priority=100 v3-protocol=ipv4 version=3 vrid=2
/interface pppoe-client
add ac-name="" add-default-route=yes allow=pap,chap,mschap1,mschap2 \
    default-route-distance=1 dial-on-demand=no disabled=no interface=ether1 \
    keepalive-timeout=10 max-mru=auto max-mtu=auto mrru=disabled name=\
    pppoe-out1 profile=default service-name="" use-peer-dns=yes user=\
    tinh_fiber01
/queue interface
set bridge queue=no-queue
/interface ethernet switch
set 0 cpu-flow-control=yes mirror-egress-target=none name=switch1
/interface list
set [ find name=all ] comment="contains all interfaces" exclude="" include="" \
    name=all
set [ find name=none ] comment="contains no interfaces" exclude="" include="" \
    name=none
set [ find name=dynamic ] comment="contains dynamic interfaces" exclude="" \
    include="" name=dynamic
set [ find name=static ] comment="contains static interfaces" exclude="" \
    include="" name=static
/interface wireless security-profiles
set [ find default=yes ] authentication-types="" disable-pmkid=no eap-methods=\
    passthrough group-ciphers=aes-ccm group-key-update=5m interim-update=0s \
    management-protection=disabled mode=none mschapv2-username="" name=default \
    static-transmit-key=key-0 supplicant-identity=MikroTik tls-certificate=\
    none tls-mode=no-certificates unicast-ciphers=aes-ccm
/ip ipsec mode-config
set [ find default=yes ] name=request-only responder=no use-responder-dns=\
    exclusively
/ip ipsec policy group
set [ find default=yes ] name=default
/ip ipsec profile
set [ find default=yes ] dh-group=modp2048,modp1024 dpd-interval=2m \
    dpd-maximum-failures=5 enc-algorithm=aes-128,3des hash-algorithm=sha1 \
    lifetime=1d name=default nat-traversal=yes proposal-check=obey
/ppp profile
set *0 address-list="" !bridge !bridge-horizon bridge-learning=default \
    !bridge-path-cost !bridge-port-priority change-tcp-mss=yes !dns-server \
    !idle-timeout !incoming-filter !insert-queue-before !interface-list \
    !local-address name=default on-down="" on-up="" only-one=default \
    !outgoing-filter !parent-queue !queue-type !rate-limit !remote-address \
    !session-timeout use-compression=default use-encryption=default use-ipv6=\
    yes use-mpls=default use-upnp=default !wins-server
set *FFFFFFFE address-list="" !bridge !bridge-horizon bridge-learning=default \
    !bridge-path-cost !bridge-port-priority change-tcp-mss=yes !dns-server \
    !idle-timeout !incoming-filter !insert-queue-before !interface-list \
    !local-address name=default-encryption on-down="" on-up="" only-one=\
    default !outgoing-filter !parent-queue !queue-type !rate-limit \
    !remote-address !session-timeout use-compression=default use-encryption=\
    yes use-ipv6=yes use-mpls=default use-upnp=default !wins-server
/snmp community
set [ find default=yes ] addresses=::/0 authentication-protocol=MD5 disabled=\
    no encryption-protocol=DES name=public read-access=yes security=none \
    write-access=yes
add addresses=10.0.0.0/8,::/0 authentication-protocol=MD5 disabled=no \
    encryption-protocol=DES name=CongDong-2017 read-access=yes security=none \
    write-access=no
add addresses=10.9.0.5/32 authentication-protocol=MD5 disabled=no \
    encryption-protocol=DES name=zabbix6 read-access=yes security=authorized \
    write-access=no
/system logging action
set 0 memory-lines=1000 memory-stop-on-full=no name=memory target=memory
set 1 disk-file-count=2 disk-file-name=log disk-lines-per-file=1000 \
    disk-stop-on-full=no name=disk target=disk
set 2 name=echo remember=yes target=echo
set 3 bsd-syslog=no name=remote remote=10.9.0.50 remote-port=514 src-address=\
    0.0.0.0 syslog-facility=daemon syslog-severity=auto syslog-time-format=\
    bsd-syslog target=remote
add disk-file-count=2 disk-file-name=log2 disk-lines-per-file=100 \
    disk-stop-on-full=no name=dia target=disk
/user group
set read name=read policy=\
    local,telnet,ssh,reboot,read,test,winbox,password,web,sniff,sensitive,api,romon,tikapp,!ftp,!write,!policy,!dude \
    skin=default
set write name=write policy=\
    local,telnet,ssh,reboot,read,write,test,winbox,password,web,sniff,sensitive,api,romon,tikapp,!ftp,!policy,!dude \
    skin=default
set full name=full policy=\
    local,telnet,ssh,ftp,reboot,read,write,policy,test,winbox,password,web,sniff,sensitive,api,romon,dude,tikapp \
    skin=default
/certificate settings
set crl-download=no crl-store=ram crl-use=no
/interface bridge port
add auto-isolate=no bpdu-guard=no bridge=bridge1 broadcast-flood=yes comment=\
    defconf disabled=no edge=auto fast-leave=no frame-types=admit-all horizon=\
    none hw=yes ingress-filtering=yes interface=ether2 !internal-path-cost \
    learn=auto multicast-router=temporary-query mvrp-applicant-state=\
    normal-participant mvrp-registrar-state=normal !path-cost point-to-point=\
    auto priority=0x80 pvid=1 restricted-role=no restricted-tcn=no \
    tag-stacking=no trusted=no unknown-multicast-flood=yes \
    unknown-unicast-flood=yes
add auto-isolate=no bpdu-guard=no bridge=bridge1 broadcast-flood=yes comment=\
    defconf disabled=no edge=auto fast-leave=no frame-types=admit-all horizon=\
    none hw=yes ingress-filtering=yes interface=ether3 !internal-path-cost \
    learn=auto multicast-router=temporary-query mvrp-applicant-state=\
    normal-participant mvrp-registrar-state=normal !path-cost point-to-point=\
    auto priority=0x80 pvid=1 restricted-role=no restricted-tcn=no \
    tag-stacking=no trusted=no unknown-multicast-flood=yes \
    unknown-unicast-flood=yes
add auto-isolate=no bpdu-guard=no bridge=bridge1 broadcast-flood=yes comment=\
    defconf disabled=no edge=auto fast-leave=no frame-types=admit-all horizon=\
    none hw=yes ingress-filtering=yes interface=ether4 !internal-path-cost \
    learn=auto multicast-router=temporary-query mvrp-applicant-state=\
    normal-participant mvrp-registrar-state=normal !path-cost point-to-point=\
    auto priority=0x80 pvid=1 restricted-role=no restricted-tcn=no \
    tag-stacking=no trusted=no unknown-multicast-flood=yes \
    unknown-unicast-flood=yes
/ip firewall connection tracking
set enabled=auto generic-timeout=10m icmp-timeout=10s loose-tcp-tracking=yes \
    tcp-close-timeout=10s tcp-close-wait-timeout=10s tcp-established-timeout=\
    1d tcp-fin-wait-timeout=10s tcp-last-ack-timeout=10s \
    tcp-max-retrans-timeout=5m tcp-syn-received-timeout=5s \
    tcp-syn-sent-timeout=5s tcp-time-wait-timeout=10s tcp-unacked-timeout=5m \
    udp-stream-timeout=3m udp-timeout=30s
/ip neighbor discovery-settings
set discover-interface-list=all
/ip settings
set accept-redirects=no accept-source-route=yes allow-fast-path=yes \
    arp-timeout=30s icmp-rate-limit=10 icmp-rate-mask=0x1818 ip-forward=yes \
    ipv4-multipath-hash-policy=l3 max-neighbor-entries=8192 rp-filter=loose \
    secure-redirects=yes send-redirects=yes tcp-syncookies=no tcp-timestamps=\
    random-offset
/interface l2tp-server server
set accept-proto-version=all accept-pseudowire-type=all allow-fast-path=no \
    authentication=mschap1,mschap2 caller-id-type=ip-address default-profile=\
    default-encryption enabled=yes keepalive-timeout=30 l2tpv3-circuit-id="" \
    l2tpv3-cookie-length=0 l2tpv3-digest-hash=md5 !l2tpv3-ether-interface-list \
    max-mru=1450 max-mtu=1450 max-sessions=unlimited mrru=disabled \
    one-session-per-host=no use-ipsec=no
/interface pptp-server server
set authentication=mschap1,mschap2 default-profile=default-encryption enabled=\
    yes keepalive-timeout=30 max-mru=1450 max-mtu=1450 mrru=disabled
/interface sstp-server server
set authentication=pap,chap,mschap1,mschap2 certificate=none ciphers=\
    aes256-sha,aes256-gcm-sha384 default-profile=default enabled=yes \
    keepalive-timeout=60 max-mru=1500 max-mtu=1500 mrru=disabled pfs=no port=\
    443 tls-version=any verify-client-certificate=no
/ip address
add address=10.9.0.1/24 disabled=no interface=bridge1 network=10.9.0.0
add address=10.9.5.1/30 disabled=no interface=ether5 network=10.9.5.0
/ip cloud
set ddns-enabled=yes ddns-update-interval=none update-time=yes
/ip cloud advanced
set use-local-address=no
/ip dhcp-server config
set accounting=yes interim-update=0s radius-password=empty store-leases-disk=\
    5m
/ip dns
set address-list-extra-time=0s allow-remote-requests=yes cache-max-ttl=1w \
    cache-size=2048KiB doh-max-concurrent-queries=50 \
    doh-max-server-connections=5 doh-timeout=5s max-concurrent-queries=100 \
    max-concurrent-tcp-sessions=20 max-udp-packet-size=4096 \
    mdns-repeat-ifaces="" query-server-timeout=2s query-total-timeout=10s \
    servers=10.30.1.53 use-doh-server="" verify-doh-cert=no
/ip firewall address-list
add address=0.0.0.0/1 disabled=no list=ADMIN
add address=128.0.0.0/1 disabled=no list=ADMIN
add address=10.9.0.0/24 disabled=no list=NOI-BO
/ip firewall filter
add action=accept chain=input !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate connection-state=\
    established,related !connection-type !content disabled=no !dscp \
    !dst-address !dst-address-list !dst-address-type !dst-limit !dst-port \
    !icmp-options !in-interface !in-interface-list !ipsec-policy !jump-target \
    !limit log=no log-prefix="" !nth !out-interface !out-interface-list \
    !packet-size !port !protocol !psd !reject-with !src-address \
    !src-address-list !src-mac-address !src-port !tcp-flags !time !tls-host
# no interface
add action=drop chain=input comment="chan tu internet" !connection-bytes \
    !connection-limit !connection-mark !connection-nat-state !connection-rate \
    !connection-state !connection-type !content disabled=no !dscp !dst-address \
    !dst-address-list !dst-address-type !dst-limit !dst-port !icmp-options \
    in-interface=*F0000A !in-interface-list !ipsec-policy !jump-target !limit \
    log=no log-prefix="" !nth !out-interface !out-interface-list !packet-size \
    !port !protocol !psd !reject-with !src-address !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=accept chain=input comment="cho quan tri" !connection-bytes \
    !connection-limit !connection-mark !connection-nat-state !connection-rate \
    !connection-state !connection-type !content disabled=no !dscp !dst-address \
    !dst-address-list !dst-address-type !dst-limit dst-port=22,80,8291 \
    !icmp-options !in-interface !in-interface-list !ipsec-policy !jump-target \
    !limit log=no log-prefix="" !nth !out-interface !out-interface-list \
    !packet-size !port protocol=tcp !psd !reject-with !src-address \
    src-address-list=ADMIN !src-mac-address !src-port !tcp-flags !time \
    !tls-host
add action=accept chain=input !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=161 !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port protocol=udp \
    !psd !reject-with !src-address !src-address-list !src-mac-address \
    !src-port !tcp-flags !time !tls-host
add action=drop chain=input comment="tam tat" !connection-bytes \
    !connection-limit !connection-mark !connection-nat-state !connection-rate \
    !connection-state !connection-type !content disabled=yes !dscp \
    !dst-address !dst-address-list !dst-address-type !dst-limit !dst-port \
    !icmp-options in-interface=pppoe-out1 !in-interface-list !ipsec-policy \
    !jump-target !limit log=no log-prefix="" !nth !out-interface \
    !out-interface-list !packet-size !port !protocol !psd !reject-with \
    !src-address !src-address-list !src-mac-address !src-port !tcp-flags !time \
    !tls-host
add action=drop chain=input !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=23 !icmp-options in-interface=\
    pppoe-out1 !in-interface-list !ipsec-policy !jump-target !limit log=no \
    log-prefix="" !nth !out-interface !out-interface-list !packet-size !port \
    protocol=tcp !psd !reject-with !src-address !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=add-src-to-address-list address-list=GO-CUA address-list-timeout=1h \
    chain=input !connection-bytes !connection-limit !connection-mark \
    !connection-nat-state !connection-rate !connection-state !connection-type \
    !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=7000 !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port protocol=tcp \
    !psd !reject-with !src-address !src-address-list !src-mac-address \
    !src-port !tcp-flags !time !tls-host
add action=accept chain=input !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=8728 !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port protocol=tcp \
    !psd !reject-with !src-address src-address-list=GO-CUA !src-mac-address \
    !src-port !tcp-flags !time !tls-host
add action=drop chain=input !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=8728 !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port protocol=tcp \
    !psd !reject-with !src-address !src-address-list !src-mac-address \
    !src-port !tcp-flags !time !tls-host
add action=accept chain=forward !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate connection-state=\
    established,related,new !connection-type !content disabled=no !dscp \
    !dst-address !dst-address-list !dst-address-type !dst-limit !dst-port \
    !icmp-options !in-interface !in-interface-list !ipsec-policy !jump-target \
    !limit log=no log-prefix="" !nth !out-interface !out-interface-list \
    !packet-size !port !protocol !psd !reject-with !src-address \
    !src-address-list !src-mac-address !src-port !tcp-flags !time !tls-host
add action=accept chain=forward !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp dst-address=172.16.5.0/24 \
    !dst-address-list !dst-address-type !dst-limit !dst-port !icmp-options \
    !in-interface !in-interface-list !ipsec-policy !jump-target !limit log=yes \
    log-prefix="" !nth !out-interface !out-interface-list !packet-size !port \
    !protocol !psd !reject-with !src-address src-address-list=NOI-BO \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=accept chain=forward !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=1-65535 !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port protocol=tcp \
    !psd !reject-with src-address=!10.0.0.0/8 !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=jump chain=forward !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit !dst-port !icmp-options !in-interface \
    !in-interface-list !ipsec-policy jump-target=loc-virus !limit log=no \
    log-prefix="" !nth !out-interface !out-interface-list !packet-size !port \
    !protocol !psd !reject-with !src-address !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=drop chain=loc-virus !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit dst-port=135-139,445 !icmp-options \
    !in-interface !in-interface-list !ipsec-policy !jump-target !limit log=no \
    log-prefix="" !nth !out-interface !out-interface-list !packet-size !port \
    protocol=tcp !psd !reject-with !src-address !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
add action=return chain=loc-virus !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit !dst-port !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port !protocol !psd \
    !reject-with !src-address !src-address-list !src-mac-address !src-port \
    !tcp-flags !time !tls-host
add action=drop chain=cu-khong-dung !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=no !dscp !dst-address !dst-address-list \
    !dst-address-type !dst-limit !dst-port !icmp-options !in-interface \
    !in-interface-list !ipsec-policy !jump-target !limit log=no log-prefix="" \
    !nth !out-interface !out-interface-list !packet-size !port !protocol !psd \
    !reject-with src-address=1.2.3.4 !src-address-list !src-mac-address \
    !src-port !tcp-flags !time !tls-host
add action=drop chain=forward !connection-bytes !connection-limit \
    !connection-mark !connection-nat-state !connection-rate !connection-state \
    !connection-type !content disabled=yes !dscp !dst-address \
    !dst-address-list !dst-address-type !dst-limit !dst-port !icmp-options \
    !in-interface !in-interface-list !ipsec-policy !jump-target !limit log=yes \
    log-prefix="" !nth !out-interface !out-interface-list !packet-size !port \
    !protocol !psd !reject-with !src-address !src-address-list \
    !src-mac-address !src-port !tcp-flags !time !tls-host
/ip firewall service-port
set ftp disabled=no ports=21
set tftp disabled=no ports=69
set irc disabled=yes ports=6667
set h323 disabled=no
set sip disabled=no ports=5060,5061 sip-direct-media=yes sip-timeout=1h
set pptp disabled=no
/ip ipsec policy
set 0 disabled=no dst-address=::/0 group=default proposal=default protocol=all \
    src-address=::/0 template=yes
/ip ipsec settings
set accounting=yes interim-update=0s xauth-use-radius=no
/ip proxy
set always-from-cache=no anonymous=no cache-administrator=webmaster \
    cache-hit-dscp=4 cache-on-disk=no cache-path=web-proxy enabled=yes \
    max-cache-object-size=2048KiB max-cache-size=unlimited \
    max-client-connections=600 max-fresh-time=3d max-server-connections=600 \
    parent-proxy=:: parent-proxy-port=0 port=8080 serialize-connections=no \
    src-address=::
/ip service
set telnet address="" disabled=no port=23
set ftp address="" disabled=no port=21
set www address="" disabled=no port=80
set ssh address=10.9.0.0/24 disabled=no port=22
set www-ssl address="" certificate=none disabled=yes port=443 tls-version=any
set api address="" disabled=no port=8728
set winbox address=10.9.0.0/24,0.0.0.0/0 disabled=no port=8291
set api-ssl address="" certificate=none disabled=yes port=8729 tls-version=any
/ip smb shares
set [ find default=yes ] directory=flash/pub disabled=yes invalid-users="" \
    name=pub read-only=no require-encryption=no valid-users=""
/ip socks
set auth-method=none connection-idle-timeout=2m enabled=yes max-connections=\
    200 port=1080 version=4
/ip ssh
set allow-none-crypto=no always-allow-password-login=no forwarding-enabled=no \
    host-key-size=2048 strong-crypto=no
/ip tftp settings
set max-block-size=4096
/ip upnp
set allow-disable-external-interface=no enabled=yes show-dummy-rule=yes
/mpls settings
set allow-fast-path=yes dynamic-label-range=16-1048575 propagate-ttl=yes
/ppp aaa
set accounting=yes enable-ipv6-accounting=no interim-update=0s \
    use-circuit-id-in-nas-port-id=no use-radius=yes
/ppp secret
add caller-id="" disabled=no limit-bytes-in=0 limit-bytes-out=0 !local-address \
    name=vpn.canbo profile=default-encryption !remote-address routes="" \
    service=any
/routing ospf network
add area=backbone disabled=no network=10.9.0.0/16
/routing ospf interface
add authentication=md5 authentication-key-id=1 cost=10 dead-interval=40s \
    disabled=no hello-interval=10s instance-id=0 interface=ether5 \
    network-type=point-to-point passive=no priority=1 retransmit-interval=5s \
    transmit-delay=1s use-bfd=no
/routing bgp peer
add address-families=ip default-originate=never disabled=no hold-time=3m \
    in-filter="" instance=default multihop=no name=isp-vnpt nexthop-choice=\
    default out-filter="" passive=no remote-address=203.162.0.1 remote-as=\
    45899 route-reflect=no ttl=default update-source="" use-bfd=no
/routing rip interface
add authentication=simple in-prefix-list="" interface=ether4 key-chain="" \
    out-prefix-list="" passive=no receive=v2 send=v2
/radius
add accounting-backup=no accounting-port=1813 address=10.9.0.70 \
    authentication-port=1812 called-id="" domain="" protocol=udp realm="" \
    service=ppp,hotspot timeout=300ms disabled=no
/radius incoming
set accept=no port=3799
/snmp
set contact="" enabled=yes engine-id="" location="" src-address=0.0.0.0 \
    trap-community=BayTrap77 trap-generators=temp-exception trap-target=\
    10.9.0.5,10.9.0.6 trap-version=2
/special-login
add channel=0 disabled=no port=serial0 user=admin
/system clock
set time-zone-autodetect=no time-zone-name=manual
/system console
set [ find port=serial0 ] channel=0 disabled=no port=serial0 term=vt102
/system identity
set name="RT-CU-2017"
/system logging
set 0 action=memory disabled=yes prefix="" topics=info,!account
set 1 action=memory disabled=no prefix="" topics=error
set 2 action=memory disabled=no prefix="" topics=warning
set 3 action=echo disabled=no prefix="" topics=critical
add action=remote disabled=no prefix="" topics=firewall
add action=remote disabled=no prefix="" topics=error
/system note
set note="" show-at-login=yes
/system ntp client
set enabled=yes primary-ntp=10.9.0.60 secondary-ntp=0.0.0.0 server-dns-names=\
    0.vn.pool.ntp.org
/system routerboard settings
set auto-upgrade=no boot-device=nand-if-fail-then-ethernet boot-os=router-os \
    boot-protocol=bootp force-backup-booter=no preboot-etherboot=disabled \
    preboot-etherboot-server=any protected-routerboot=disabled \
    reformat-hold-button=20s reformat-hold-button-max=10m silent-boot=no
/system scheduler
add disabled=yes interval=1d name=backup on-event=backup policy=\
    ftp,read,write,policy start-date=jan/01/2018 start-time=01:00:00
add disabled=no interval=1d name=don-log on-event="/log print file=log-cu" \
    policy=ftp,read,write start-date=jan/01/2018 start-time=03:00:00
/system script
add dont-require-permissions=no name=backup owner=admin policy=\
    ftp,read,write,policy source=\
    "/system backup save name=cu password=MatKhauCu2017\r\n/tool fetch address=10.9.0.80 mode=ftp upload=yes src-path=cu.backup user=ftp password=\"Ftp-Cu-88\" dst-path=cu.backup"
/tool bandwidth-server
set allocate-udp-ports-from=2000 authenticate=yes enabled=yes max-sessions=100
/tool mac-server
set allowed-interface-list=all
/tool mac-server mac-winbox
set allowed-interface-list=all
/tool mac-server ping
set enabled=yes
/tool romon
set enabled=yes id=00:00:00:00:00:00
/user aaa
set accounting=yes default-group=read exclude-groups="" interim-update=0s \
    use-radius=no
# rasoat: end of export
