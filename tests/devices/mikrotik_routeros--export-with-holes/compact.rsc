# 2026-11-28 09:14:01 by RouterOS 7.16.1
# software id = NCYA-ZU01
#
# model = RB5009UG+S+
# serial number = HF609AKJTT1
/system script
add dont-require-permissions=no name=sao-luu owner=quantri1 policy=\
    ftp,read,write,policy,test,sensitive source=\
    "/export file=rt-ttdl-01 show-sensitive\r\n/tool fetch mode=sftp upload=yes src-path=rt-ttdl-01.rsc url=\"sftp://10.30.1.80/rt-ttdl-01.rsc\" user=saoluu password=\"SaoLuu#9931\""
/system identity
set name=RT-HONG-02
# rasoat: end of export
