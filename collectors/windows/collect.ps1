# collect.ps1: what rasoat asks of a Windows machine, in one go. Works with PowerShell 4.0 (Server 2012 R2) to 7.
#
# It looks and changes no setting. What it does leave behind or cause, all of it:
#   * secedit /export and auditpol /backup can only write to a file. Two files named rasoat-<guid> are made in %TEMP% and
#     removed again; secedit also adds lines to its own log, %windir%\security\logs\scesrv.log. Administrators only.
#   * Windows Update is asked for what it already knows (Online = false): nothing is downloaded, no server is called.
# It asks no server, starts no service, runs nothing that it found on the machine, and reads no secret: of the registry
# only the values named below, and what stands in the keys Run and RunOnce. Of command lines that start something (there,
# in shortcuts, tasks and services) the names of programs and hosts alone leave the machine: arguments may hold passwords.
#
# The answer is one JSON document {"schema", "sections": {name: {state, value, error}}}, in ASCII alone (other letters as
# \uXXXX), between two marks and cut into short lines: no code page, no console width and no culture can change it.
# state is ok, absent (no such key, class or namespace), denied or error. Nothing localised is taken apart here or later:
# registry values, SIDs, GUIDs, numbers. Dates are UTC, ISO 8601. Constrained Language Mode (AppLocker, WDAC) refuses
# .NET and COM: those sections then say denied, the others (registry, CIM) still answer.

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$WarningPreference = 'SilentlyContinue'
$CimSeconds = 20
$WuaSeconds = 45
$Sections = @{}
$Constrained = "$($ExecutionContext.SessionState.LanguageMode)" -ne 'FullLanguage'

# ---- JSON ---------------------------------------------------------------------------------------------------------------
# ConvertTo-Json differs between 4, 5.1 and 7 (dates, depth, single elements, notes that Get-Content hangs on strings).

function Format-Text([string]$Text) {
    $Text = $Text.Replace('\', '\\').Replace('"', '\"')
    if ($Text -match '[^\x20-\x7e]') {
        $parts = foreach ($letter in $Text.ToCharArray()) {
            $code = [int]$letter
            if ($code -lt 32 -or $code -gt 126) { '\u{0:x4}' -f $code } else { "$letter" }
        }
        $Text = $parts -join ''
    }
    '"' + $Text + '"'
}

function Format-Json($Value) {
    if ($null -eq $Value) { return 'null' }
    if ($Value -is [bool]) { if ($Value) { return 'true' } else { return 'false' } }
    if ($Value -is [byte[]]) { return '{"hex":"' + (($Value | ForEach-Object { '{0:x2}' -f $_ }) -join '') + '"}' }
    if ($Value -is [hashtable]) {
        $pairs = foreach ($name in @($Value.Keys | Sort-Object)) { (Format-Text "$name") + ':' + (Format-Json $Value[$name]) }
        return '{' + (@($pairs) -join ',') + '}'
    }
    if ($Value -is [array]) {
        $items = foreach ($item in $Value) { Format-Json $item }
        return '[' + (@($items) -join ',') + ']'
    }
    if ($Value -is [byte] -or $Value -is [int16] -or $Value -is [uint16] -or $Value -is [int] -or $Value -is [uint32] -or $Value -is [long] -or $Value -is [uint64]) { return "$Value" }
    if ($Value -is [datetime]) { return Format-Text (Get-Utc $Value) }
    Format-Text "$Value"
}

# Local or UTC times. What Windows Update hands out is UTC without saying so: see the section wua.
function Get-Utc($When) {
    if ($null -eq $When) { return $null }
    $When.ToUniversalTime().ToString('s') + 'Z'
}

# Enumerations as numbers, whatever PowerShell makes of them.
function Get-Number($Value) {
    if ($null -eq $Value) { return $null }
    [long]$Value
}

# ---- sections -----------------------------------------------------------------------------------------------------------

function Get-Failure($Failure) {
    $id = "$($Failure.FullyQualifiedErrorId)"
    $category = "$($Failure.CategoryInfo.Category)"
    $number = 0
    $cause = $Failure.Exception
    # the innermost one carries the code of COM or WMI
    while ($null -ne $cause) { $number = $cause.HResult; $cause = $cause.InnerException }
    $code = '0x{0:x8}' -f $number
    $said = "$id $code"
    $state = 'error'
    if ($said -like '*ConstrainedLanguage*' -or $said -like '*InLanguageMode*') { $state = 'denied'; $said = "CLM $said" }
    elseif ($category -eq 'PermissionDenied' -or $category -eq 'SecurityError') { $state = 'denied' }
    elseif ($said -match '0x80070005|0x80041003|UnauthorizedAccess') { $state = 'denied' }
    elseif ($said -match '0x8004100e|0x80041010|0x80041002|0x80040154') { $state = 'absent' }
    elseif ($category -eq 'ObjectNotFound' -and $said -notlike '*CommandNotFound*') { $state = 'absent' }
    if ($Constrained -and $state -eq 'error' -and $said -notlike '*CommandNotFound*') { $state = 'denied'; $said = "CLM $said" }
    @{ state = $state; value = $null; error = "$said $($Failure.Exception.Message)" }
}

function Add-Section([string]$Name, [scriptblock]$Ask) {
    try { $script:Sections[$Name] = @{ state = 'ok'; value = (& $Ask); error = $null } }
    catch { $script:Sections[$Name] = Get-Failure $_ }
}

# What only administrators are told in full. Asked without their rights, some of it comes back shorter and does not say so.
function Add-Guarded([string]$Name, [scriptblock]$Ask) {
    if ($Elevated) { Add-Section $Name $Ask }
    else { $script:Sections[$Name] = @{ state = 'denied'; value = $null; error = 'administrators only' } }
}

# Rows of a CIM class with the named properties. A provider that hangs is given up after $CimSeconds.
function Get-Rows([string]$Namespace, [string]$Class, [string[]]$Properties, [string]$Filter) {
    $how = @{ Namespace = $Namespace; ClassName = $Class; OperationTimeoutSec = $CimSeconds; Verbose = $false }
    if ($Filter) { $how['Filter'] = $Filter }
    # command lines of processes are not even read
    if ($Class -eq 'Win32_Process') { $how['Property'] = $Properties }
    $rows = foreach ($found in @(Get-CimInstance @how)) { Get-Fields $found $Properties }
    @{ rows = @($rows) }
}

function Get-Fields($Found, [string[]]$Properties) {
    $row = @{}
    foreach ($property in $Properties) { $row[$property] = $Found.$property }
    $row
}

# ---- registry -----------------------------------------------------------------------------------------------------------

function Get-Key([string]$Path, [string[]]$Names) {
    try {
        $key = Get-ItemProperty -LiteralPath $Path
        $values = @{}
        foreach ($name in $Names) {
            if ($null -ne $key -and $null -ne $key.$name) { $values[$name] = $key.$name }
        }
        @{ state = 'ok'; value = $values; error = $null }
    }
    catch { Get-Failure $_ }
}

function Get-Subkeys([string]$Path) {
    if (-not (Test-Path -LiteralPath $Path)) { return }
    Get-ChildItem -LiteralPath $Path -Name
}

$Cv = 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion'
$Control = 'HKLM:\SYSTEM\CurrentControlSet\Control'
$Svc = 'HKLM:\SYSTEM\CurrentControlSet\Services'
$Pol = 'HKLM:\SOFTWARE\Policies\Microsoft'
$WinPol = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies'
$Wu = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update'
$Cbs = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing'
$Schannel = "$Control\SecurityProviders\SCHANNEL\Protocols"
$Fw = "$Pol\WindowsFirewall"

$Wanted = @{
    "$Cv" = 'CurrentBuildNumber,UBR,DisplayVersion,ReleaseId,EditionID,InstallationType,ProductName,InstallDate,BuildLabEx,CurrentVersion'
    "$Cv\Winlogon" = 'PasswordExpiryWarning,CachedLogonsCount,AutoAdminLogon,DefaultUserName,ScRemoveOption'
    "$Control\ProductOptions" = 'ProductType'
    "$Control\ComputerName\ActiveComputerName" = 'ComputerName'
    "$Control\Session Manager\Environment" = 'PROCESSOR_ARCHITECTURE'
    "$Control\TimeZoneInformation" = 'TimeZoneKeyName'
    "$Control\Lsa" = 'LmCompatibilityLevel,NoLMHash,RestrictAnonymous,RestrictAnonymousSAM,RunAsPPL,LimitBlankPasswordUse,SCENoApplyLegacyAuditPolicy,EveryoneIncludesAnonymous'
    "$Control\SecureBoot\State" = 'UEFISecureBootEnabled'
    "$Control\SecurityProviders\WDigest" = 'UseLogonCredential'
    "$Control\Terminal Server" = 'fDenyTSConnections'
    "$Control\Terminal Server\WinStations\RDP-Tcp" = 'UserAuthentication,SecurityLayer,MinEncryptionLevel,PortNumber,MaxIdleTime,MaxDisconnectionTime,fInheritMaxIdleTime,fInheritMaxDisconnectionTime'
    "$Pol\Windows NT\Terminal Services" = 'fDenyTSConnections,UserAuthentication,SecurityLayer,MinEncryptionLevel,MaxIdleTime,MaxDisconnectionTime'
    "$Pol\Windows\WinRM\Service" = 'AllowAutoConfig,AllowBasic,AllowUnencryptedTraffic'
    "$Pol\Windows\WinRM\Client" = 'AllowBasic,AllowUnencryptedTraffic'
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\WSMAN\Service' = 'auth_basic,allow_unencrypted'
    "$Svc\LanmanServer\Parameters" = 'SMB1,RequireSecuritySignature,EnableSecuritySignature,RestrictNullSessAccess,NullSessionShares'
    "$Svc\LanmanWorkstation\Parameters" = 'RequireSecuritySignature,AllowInsecureGuestAuth'
    "$Pol\Windows\LanmanWorkstation" = 'AllowInsecureGuestAuth'
    "$Svc\mrxsmb10" = 'Start'
    "$Svc\USBSTOR" = 'Start'
    "$Svc\Dnscache\Parameters" = 'EnableMDNS'
    "$Svc\Tcpip6\Parameters" = 'DisabledComponents'
    "$Svc\W32Time\Parameters" = 'Type,NtpServer'
    "$Pol\W32time\Parameters" = 'Type,NtpServer'
    "$Pol\Windows NT\DNSClient" = 'EnableMulticast'
    "$WinPol\System" = 'EnableLUA,ConsentPromptBehaviorAdmin,ConsentPromptBehaviorUser,PromptOnSecureDesktop,FilterAdministratorToken,LocalAccountTokenFilterPolicy,InactivityTimeoutSecs,legalnoticetext,legalnoticecaption,DontDisplayLastUserName,shutdownwithoutlogon'
    "$WinPol\System\Audit" = 'ProcessCreationIncludeCmdLine_Enabled'
    "$WinPol\Explorer" = 'NoDriveTypeAutoRun,NoAutorun'
    "$Pol\Windows\Explorer" = 'NoAutoplayfornonVolume'
    "$Pol\Windows\RemovableStorageDevices" = 'Deny_All'
    "$Pol\Windows\RemovableStorageDevices\{53f5630d-b6bf-11d0-94f2-00a0c91efb8b}" = 'Deny_Read,Deny_Write,Deny_Execute'
    "$Pol\Windows\PowerShell\ScriptBlockLogging" = 'EnableScriptBlockLogging'
    "$Pol\Windows\PowerShell\ModuleLogging" = 'EnableModuleLogging'
    "$Pol\Windows\PowerShell\Transcription" = 'EnableTranscripting'
    'HKLM:\SOFTWARE\Microsoft\Policies\LAPS' = 'BackupDirectory,PasswordAgeDays,PasswordLength'
    "$WinPol\LAPS" = 'BackupDirectory,PasswordAgeDays,PasswordLength'
    'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\LAPS\Config' = 'BackupDirectory,PasswordAgeDays,PasswordLength'
    'HKLM:\SOFTWARE\Policies\Microsoft Services\AdmPwd' = 'AdmPwdEnabled'
    "$Cv\Winlogon\GPExtensions\{D76B9641-3288-4f75-942D-087DE603E3EA}" = 'DllName'
    "$Pol\Windows\WindowsUpdate" = 'WUServer,WUStatusServer,TargetGroup,DoNotConnectToWindowsUpdateInternetLocations,DisableWindowsUpdateAccess,DeferQualityUpdatesPeriodInDays,PauseQualityUpdatesStartTime'
    "$Pol\Windows\WindowsUpdate\AU" = 'UseWUServer,NoAutoUpdate,AUOptions,ScheduledInstallDay'
    "$Wu" = 'AUOptions'
    "$Wu\RebootRequired" = ''
    "$Cbs\RebootPending" = ''
    "$Svc\EventLog\Security" = 'MaxSize,Retention,AutoBackupLogFiles'
    "$Pol\Windows\EventLog\EventForwarding\SubscriptionManager" = '1,2,3,4'
    "$Pol\Windows Defender" = 'DisableAntiSpyware,DisableAntiVirus'
    "$Pol\Windows Defender\Real-Time Protection" = 'DisableRealtimeMonitoring'
    'HKLM:\SOFTWARE\Microsoft\Windows Defender\Signature Updates' = 'AVSignatureVersion,AVSignatureApplied,SignaturesLastUpdated'
    'HKLM:\SOFTWARE\Microsoft\Microsoft Antimalware\Signature Updates' = 'AVSignatureVersion,AVSignatureApplied,SignaturesLastUpdated'
    'HKLM:\SOFTWARE\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState' = 'Protection_BasesDate,Protection_LastFscan,Protection_LastConnected,Protection_AvInstalled,Protection_AvRunning,Protection_RtpState'
    'HKLM:\SOFTWARE\WOW6432Node\KasperskyLab\Components\34\1103\1.0.0.0\Statistics\AVState' = 'Protection_BasesDate,Protection_LastFscan,Protection_LastConnected,Protection_AvInstalled,Protection_AvRunning,Protection_RtpState'
    'HKLM:\SOFTWARE\ESET\ESET Security\CurrentVersion\Info' = 'ProductName,ProductVersion,ScannerVersion'
    'HKLM:\SOFTWARE\TrendMicro\PC-cillinNTCorp\CurrentVersion\Misc.' = 'TmListen_Ver,ProgramVer,PatternDate'
    'HKLM:\SOFTWARE\WOW6432Node\TrendMicro\PC-cillinNTCorp\CurrentVersion\Misc.' = 'TmListen_Ver,ProgramVer,PatternDate'
    'HKLM:\SOFTWARE\TrendMicro\PC-cillinNTCorp\CurrentVersion\Real Time Scan Configuration' = 'Enable'
    'HKLM:\SOFTWARE\WOW6432Node\TrendMicro\PC-cillinNTCorp\CurrentVersion\Real Time Scan Configuration' = 'Enable'
    'HKLM:\SOFTWARE\TrendMicro\Deep Security Agent' = 'InstallationFolder,Version'
    'HKLM:\SOFTWARE\Symantec\Symantec Endpoint Protection\CurrentVersion' = 'PRODUCTVERSION'
    'HKLM:\SOFTWARE\Symantec\Symantec Endpoint Protection\CurrentVersion\public-opstate' = 'LatestVirusDefsDate,LastSuccessfulScanDateTime,ASRunningStatus,AVRunningStatus'
    'HKLM:\SOFTWARE\McAfee\AVSolution\DS\DS' = 'dwContentMajorVersion,szContentCreationDate'
    'HKLM:\SOFTWARE\McAfee\AVSolution\MCSHIELDGLOBAL\GLOBAL' = 'enableoas'
    'HKLM:\SOFTWARE\McAfee\Endpoint\AV' = 'ProductVersion'
}
foreach ($protocol in 'SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1', 'TLS 1.2', 'TLS 1.3') {
    $Wanted["$Schannel\$protocol\Server"] = 'Enabled,DisabledByDefault'
    $Wanted["$Schannel\$protocol\Client"] = 'Enabled,DisabledByDefault'
}
foreach ($log in 'Security', 'System', 'Application') { $Wanted["$Pol\Windows\EventLog\$log"] = 'MaxSize,Retention' }
foreach ($net in 'DomainProfile', 'StandardProfile', 'PublicProfile') {
    $Wanted["$Fw\$net"] = 'EnableFirewall,DefaultInboundAction'
    $Wanted["$Svc\SharedAccess\Parameters\FirewallPolicy\$net"] = 'EnableFirewall,DefaultInboundAction'
}

Add-Section 'host' {
    @{
        ps = "$($PSVersionTable.PSVersion)"
        language_mode = "$($ExecutionContext.SessionState.LanguageMode)"
        # a high or system integrity label: the same SID in every language
        elevated = [bool]((& "$env:windir\System32\whoami.exe" /groups /fo csv /nh) -match 'S-1-16-(12288|16384)')
        wow64 = [bool]$env:PROCESSOR_ARCHITEW6432
        collected_at = Get-Utc (Get-Date)
    }
}
$Elevated = $Sections['host'].value -and $Sections['host'].value.elevated

Add-Section 'registry' {
    $keys = @{}
    foreach ($path in $Wanted.Keys) { $keys[$path] = Get-Key $path @($Wanted[$path] -split ',' | Where-Object { $_ }) }
    foreach ($name in @(Get-Subkeys "$Svc\NetBT\Parameters\Interfaces")) {
        $keys["$Svc\NetBT\Parameters\Interfaces\$name"] = Get-Key "$Svc\NetBT\Parameters\Interfaces\$name" @('NetbiosOptions')
    }
    $keys
}

# Screen locks of the people whose hive is loaded: those who are logged on.
Add-Section 'users_screen' {
    $found = @{}
    $names = 'ScreenSaveActive', 'ScreenSaverIsSecure', 'ScreenSaveTimeOut'
    foreach ($sid in @(Get-Subkeys 'Registry::HKEY_USERS' | Where-Object { $_ -match '^S-1-(5-21|12-1)-[0-9-]+$' })) {
        $found["$sid"] = @{
            policy = Get-Key "Registry::HKEY_USERS\$sid\Software\Policies\Microsoft\Windows\Control Panel\Desktop" $names
            own = Get-Key "Registry::HKEY_USERS\$sid\Control Panel\Desktop" $names
        }
    }
    $found
}

# Servicing packages that tell the build, of the thousands there are.
Add-Section 'packages' {
    $rows = foreach ($name in @(Get-Subkeys "$Cbs\Packages")) {
        if ($name -match '^Package_for_(RollupFix|KB[0-9]+|DotNetRollup|ServicingStack)') {
            $key = Get-ItemProperty -LiteralPath "$Cbs\Packages\$name"
            @{ name = "$name"; state = $key.CurrentState; high = $key.InstallTimeHigh; low = $key.InstallTimeLow }
        }
    }
    @{ rows = @($rows) }
}

# Those who have worked here, whether or not they are logged on.
function Get-People {
    Get-Subkeys "$Cv\ProfileList" | Where-Object { $_ -match '^S-1-(5-21|12-1)-[0-9-]+$' }
}

Add-Section 'software' {
    $roots = @{
        native = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall'
        wow64 = 'HKLM:\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall'
    }
    # people's own entries lie in their hives, which are there only while they are logged on; without rights only one's own may be read
    $people = @(Get-People)
    $seen = 0
    if ($Elevated) {
        foreach ($sid in $people) {
            if (Test-Path -LiteralPath "Registry::HKEY_USERS\$sid") {
                $roots["$sid"] = "Registry::HKEY_USERS\$sid\Software\Microsoft\Windows\CurrentVersion\Uninstall"
                $seen += 1
            }
        }
    }
    else {
        $roots['own'] = 'HKCU:\Software\Microsoft\Windows\CurrentVersion\Uninstall'
        $seen = 1
    }
    $rows = foreach ($view in @($roots.Keys)) {
        foreach ($name in @(Get-Subkeys $roots[$view])) {
            # some installers leave values that PowerShell cannot read: such an entry must not take the others with it
            try { $key = Get-ItemProperty -LiteralPath "$($roots[$view])\$name" }
            catch { @{ view = "$view"; unread = $true }; continue }
            if ($key.DisplayName -and $key.SystemComponent -ne 1 -and -not $key.ParentKeyName) {
                @{ view = "$view"; name = "$($key.DisplayName)"; version = "$($key.DisplayVersion)"; publisher = "$($key.Publisher)"; installed = "$($key.InstallDate)" }
            }
        }
    }
    @{ rows = @($rows); people = $people.Count; people_seen = $seen }
}
# Names of folders where programs lie that no list of Windows knows. Without rights a folder of somebody else looks empty.
Add-Section 'program_folders' {
    $names = foreach ($folder in @($env:ProgramFiles, ${env:ProgramFiles(x86)} | Where-Object { $_ })) { Get-ChildItem -LiteralPath $folder -Name -Directory }
    @{ names = @($names) }
}
Add-Guarded 'profile_folders' {
    $names = foreach ($sid in @(Get-People)) {
        $home_of = (Get-ItemProperty -LiteralPath "$Cv\ProfileList\$sid").ProfileImagePath
        foreach ($part in 'AppData\Local\Programs', 'AppData\Local', 'AppData\Roaming') {
            if (Test-Path -LiteralPath "$home_of\$part") { Get-ChildItem -LiteralPath "$home_of\$part" -Name -Directory }
        }
    }
    @{ names = @($names | Sort-Object -Unique) }
}
Add-Section 'processes' { @{ names = @(foreach ($process in @(Get-Process)) { "$($process.ProcessName)" }) } }
Add-Guarded 'store' {
    $rows = foreach ($one in @(Get-AppxPackage -AllUsers)) {
        # libraries of others, and parts of Windows itself
        if (-not $one.IsFramework -and "$($one.SignatureKind)" -ne 'System') { @{ name = "$($one.Name)"; version = "$($one.Version)" } }
    }
    @{ rows = @($rows) }
}

# ---- CIM ----------------------------------------------------------------------------------------------------------------

Add-Section 'system' { Get-Rows 'root/cimv2' 'Win32_OperatingSystem' @('LastBootUpTime', 'OSArchitecture', 'ProductType', 'Caption') '' }
Add-Section 'computer' { Get-Rows 'root/cimv2' 'Win32_ComputerSystem' @('Name', 'DNSHostName', 'Domain', 'PartOfDomain', 'DomainRole', 'Manufacturer', 'Model', 'HypervisorPresent', 'TotalPhysicalMemory') '' }
Add-Section 'firmware' { Get-Rows 'root/cimv2' 'Win32_BIOS' @('SerialNumber', 'Manufacturer', 'SMBIOSBIOSVersion', 'ReleaseDate') '' }
Add-Section 'product' { Get-Rows 'root/cimv2' 'Win32_ComputerSystemProduct' @('UUID') '' }
Add-Section 'processors' { Get-Rows 'root/cimv2' 'Win32_Processor' @('Name', 'NumberOfLogicalProcessors') '' }
Add-Section 'disks' { Get-Rows 'root/cimv2' 'Win32_DiskDrive' @('Index', 'Model', 'SerialNumber', 'Size', 'InterfaceType', 'MediaType') '' }
Add-Section 'physical_disks' { Get-Rows 'root/Microsoft/Windows/Storage' 'MSFT_PhysicalDisk' @('DeviceId', 'MediaType', 'BusType') '' }
Add-Section 'network_cards' { Get-Rows 'root/StandardCimv2' 'MSFT_NetAdapter' @('Name', 'PermanentAddress', 'NdisPhysicalMedium', 'HardwareInterface', 'DriverName') '' }
# display adapters and Bluetooth radios by the numbers of their classes
Add-Section 'devices' { Get-Rows 'root/cimv2' 'Win32_PnPEntity' @('DeviceID', 'ClassGuid', 'Service', 'ConfigManagerErrorCode') "ClassGuid='{4d36e968-e325-11ce-bfc1-08002be10318}' OR ClassGuid='{e0cbf06c-cd8b-4647-bb8a-263b43f0f974}'" }
Add-Guarded 'tpm' { Get-Rows 'root/cimv2/Security/MicrosoftTpm' 'Win32_Tpm' @('SpecVersion') '' }
Add-Section 'volumes' { Get-Rows 'root/cimv2' 'Win32_Volume' @('Name', 'DriveLetter', 'DeviceID', 'FileSystem', 'DriveType', 'Capacity', 'FreeSpace') '' }
Add-Section 'pagefiles' { Get-Rows 'root/cimv2' 'Win32_PageFileUsage' @('Name') '' }
Add-Section 'adapters' { Get-Rows 'root/cimv2' 'Win32_NetworkAdapterConfiguration' @('MACAddress', 'IPAddress') 'IPEnabled=True' }
Add-Section 'services' { Get-Rows 'root/cimv2' 'Win32_Service' @('Name', 'State', 'StartMode', 'StartName', 'ProcessId') '' }
Add-Section 'features' { Get-Rows 'root/cimv2' 'Win32_OptionalFeature' @('Name', 'InstallState') "Name='SMB1Protocol' OR Name='SMB1Protocol-Server' OR Name='SMB1Protocol-Client' OR Name='FS-SMB1' OR Name='MicrosoftWindowsPowerShellV2Root' OR Name='MicrosoftWindowsPowerShellV2' OR Name='TelnetClient' OR Name='TFTP'" }
Add-Section 'security_center' {
    $found = Get-Rows 'root/SecurityCenter2' 'AntiVirusProduct' @('displayName', 'instanceGuid', 'productState', 'timestamp', 'pathToSignedProductExe', 'pathToSignedReportingExe') ''
    foreach ($row in $found.rows) {
        $exe = "$($row.pathToSignedReportingExe)" -replace '%ProgramFiles%', $env:ProgramFiles -replace '%windir%|%SystemRoot%', $env:windir
        # windowsdefender:// is no path
        $row['reporting_exe_exists'] = if ($exe -match '^[A-Za-z]:\\') { Test-Path -LiteralPath $exe } else { $null }
    }
    $found
}
Add-Section 'security_center_firewall' { Get-Rows 'root/SecurityCenter2' 'FirewallProduct' @('displayName', 'productState') '' }
Add-Section 'defender' {
    # asked while its service is off this takes long and fails
    $service = Get-Service -Name 'WinDefend' -ErrorAction SilentlyContinue
    if ($null -eq $service) { return @{ service = 'absent' } }
    if ("$($service.Status)" -ne 'Running') { return @{ service = 'stopped' } }
    $rows = (Get-Rows 'root/Microsoft/Windows/Defender' 'MSFT_MpComputerStatus' @('AMRunningMode', 'AMServiceEnabled', 'AntivirusEnabled', 'RealTimeProtectionEnabled', 'BehaviorMonitorEnabled', 'IoavProtectionEnabled', 'OnAccessProtectionEnabled', 'IsTamperProtected', 'DefenderSignaturesOutOfDate', 'AntivirusSignatureLastUpdated', 'AntivirusSignatureAge', 'AntivirusSignatureVersion', 'FullScanAge', 'FullScanEndTime', 'QuickScanAge', 'QuickScanEndTime', 'AMProductVersion', 'AMEngineVersion') '').rows
    @{ service = 'running'; rows = @($rows) }
}
Add-Section 'bitlocker' {
    $rows = foreach ($volume in @(Get-CimInstance -Namespace 'root/cimv2/Security/MicrosoftVolumeEncryption' -ClassName 'Win32_EncryptableVolume' -OperationTimeoutSec $CimSeconds)) {
        # the property ProtectionStatus may be stale; the method is the word that counts
        $protection = Invoke-CimMethod -InputObject $volume -MethodName 'GetProtectionStatus' -OperationTimeoutSec $CimSeconds
        $conversion = Invoke-CimMethod -InputObject $volume -MethodName 'GetConversionStatus' -OperationTimeoutSec $CimSeconds
        $method = Invoke-CimMethod -InputObject $volume -MethodName 'GetEncryptionMethod' -OperationTimeoutSec $CimSeconds
        @{
            drive = $volume.DriveLetter; volume_type = Get-Number $volume.VolumeType
            protection = Get-Number $protection.ProtectionStatus; conversion = Get-Number $conversion.ConversionStatus; method = Get-Number $method.EncryptionMethod
        }
    }
    @{ rows = @($rows); system_drive = $env:SystemDrive }
}
Add-Section 'device_guard' { Get-Rows 'root/Microsoft/Windows/DeviceGuard' 'Win32_DeviceGuard' @('SecurityServicesRunning', 'SecurityServicesConfigured', 'VirtualizationBasedSecurityStatus') '' }

# ---- accounts -----------------------------------------------------------------------------------------------------------
# A domain controller has no accounts of its own: asking there would list the whole directory.

$ProductType = $null
if ($Sections['registry'].state -eq 'ok') { $ProductType = $Sections['registry'].value["$Control\ProductOptions"].value.ProductType }
$IsController = $ProductType -eq 'LanmanNT'
$Directory = @{ state = 'absent'; value = $null; error = 'domain controller: its accounts are those of the directory' }

if ($ProductType -notin 'WinNT', 'ServerNT') {
    $why = $Directory
    if (-not $IsController) { $why = @{ state = 'error'; value = $null; error = 'whether this is a domain controller could not be seen, so accounts were not asked for' } }
    foreach ($name in 'users', 'ageing', 'administrators') { $Sections[$name] = $why }
}
else {
    Add-Section 'users' { Get-Rows 'root/cimv2' 'Win32_UserAccount' @('Name', 'SID', 'Disabled', 'Lockout', 'PasswordRequired', 'PasswordExpires', 'PasswordChangeable') 'LocalAccount=True' }
    Add-Section 'ageing' {
        $machine = [ADSI]"WinNT://$env:COMPUTERNAME,computer"
        $machine.Children.SchemaFilter.Add('User') | Out-Null
        $rows = @()
        $policy = $null
        foreach ($user in $machine.Children) {
            $rows += @{
                name = "$($user.Name)"; sid = $user.objectSid.Value; flags = Get-Number $user.UserFlags.Value
                password_age = Get-Number $user.PasswordAge.Value; password_expired = Get-Number $user.PasswordExpired.Value
                last_logon = Get-Utc $user.LastLogin.Value
            }
            if ($null -eq $policy) {
                $policy = @{}
                foreach ($name in 'MinPasswordLength', 'MaxPasswordAge', 'MinPasswordAge', 'PasswordHistoryLength', 'MaxBadPasswordsAllowed', 'AutoUnlockInterval', 'LockoutObservationInterval') {
                    $policy[$name] = Get-Number $user.$name.Value
                }
            }
        }
        @{ rows = @($rows); policy = $policy }
    }
    Add-Section 'administrators' {
        # the group by its SID: its name is another one in other languages
        $group = (New-Object Security.Principal.SecurityIdentifier 'S-1-5-32-544').Translate([Security.Principal.NTAccount]).Value.Split('\')[-1]
        $rows = foreach ($member in @(([ADSI]"WinNT://$env:COMPUTERNAME/$group,group").psbase.Invoke('Members'))) {
            $entry = [ADSI]$member
            @{ path = "$($entry.Path)"; class = "$($entry.SchemaClassName)"; sid = $entry.objectSid.Value }
        }
        @{ group = $group; rows = @($rows) }
    }
}

function Get-Exported([string]$Suffix, [scriptblock]$Export, [string]$Encoding) {
    if (-not $Elevated) { return @{ state = 'denied'; value = $null; error = 'administrators only' } }
    $file = Join-Path $env:TEMP ('rasoat-' + [guid]::NewGuid() + $Suffix)
    try {
        & $Export $file | Out-Null
        if ($LASTEXITCODE -ne 0) { return @{ state = 'error'; value = $null; error = "ended with status $LASTEXITCODE" } }
        $lines = foreach ($line in @(Get-Content -LiteralPath $file -Encoding $Encoding)) { "$line" }
        @{ state = 'ok'; value = @{ lines = @($lines) }; error = $null }
    }
    catch { Get-Failure $_ }
    finally { if (Test-Path -LiteralPath $file) { Remove-Item -LiteralPath $file -ErrorAction SilentlyContinue } }
}

$Sections['secedit'] = Get-Exported '.inf' { param($file) & "$env:windir\System32\secedit.exe" /export /cfg $file /areas SECURITYPOLICY /quiet } 'Unicode'
if ($Sections['secedit'].state -eq 'ok') {
    # the one part that no other place tells; what else is exported may hold texts of the site
    $kept = @()
    $inside = $false
    foreach ($line in $Sections['secedit'].value.lines) {
        if ($line -match '^\[') { $inside = $line -eq '[System Access]' }
        if ($inside) { $kept += $line }
    }
    $Sections['secedit'].value.lines = @($kept)
}
$Sections['auditpol'] = Get-Exported '.csv' { param($file) & "$env:windir\System32\auditpol.exe" /backup "/file:$file" } 'Default'

# ---- logs, network, time ------------------------------------------------------------------------------------------------

foreach ($log in 'Security', 'System', 'Application') {
    Add-Section "log_$log" {
        $found = Get-WinEvent -ListLog $log
        $oldest = $null
        if ($found.RecordCount -gt 0) { $oldest = Get-Utc (Get-WinEvent -LogName $log -Oldest -MaxEvents 1).TimeCreated }
        @{ enabled = [bool]$found.IsEnabled; mode = Get-Number $found.LogMode; max_bytes = Get-Number $found.MaximumSizeInBytes; records = Get-Number $found.RecordCount; oldest = $oldest }
    }
}
Add-Section 'firewall' {
    $rows = foreach ($one in @(Get-NetFirewallProfile -PolicyStore ActiveStore)) {
        @{ name = "$($one.Name)"; enabled = Get-Number $one.Enabled; inbound = Get-Number $one.DefaultInboundAction; allow_inbound_rules = Get-Number $one.AllowInboundRules; log_blocked = Get-Number $one.LogBlocked }
    }
    $networks = foreach ($one in @(Get-NetConnectionProfile -ErrorAction SilentlyContinue)) { Get-Number $one.NetworkCategory }
    @{ rows = @($rows); networks = @($networks) }
}
Add-Section 'sockets' {
    $programs = @{}
    foreach ($process in @(Get-Process)) { $programs["$($process.Id)"] = $process.ProcessName }
    $rows = @()
    foreach ($one in @(Get-NetTCPConnection -State Listen -ErrorAction SilentlyContinue)) {
        $rows += @{ protocol = 'tcp'; address = "$($one.LocalAddress)"; port = Get-Number $one.LocalPort; program = $programs["$($one.OwningProcess)"]; pid = Get-Number $one.OwningProcess }
    }
    foreach ($one in @(Get-NetUDPEndpoint -ErrorAction SilentlyContinue)) {
        $rows += @{ protocol = 'udp'; address = "$($one.LocalAddress)"; port = Get-Number $one.LocalPort; program = $programs["$($one.OwningProcess)"]; pid = Get-Number $one.OwningProcess }
    }
    if ($rows.Count -eq 0) { throw 'no socket at all: no running Windows has none' }
    @{ rows = @($rows) }
}
Add-Section 'smb_server' { Get-Fields (Get-SmbServerConfiguration) @('EnableSMB1Protocol', 'EnableSMB2Protocol', 'RequireSecuritySignature', 'EncryptData', 'RejectUnencryptedAccess', 'AuditSmb1Access') }
Add-Section 'smb_client' { Get-Fields (Get-SmbClientConfiguration) @('RequireSecuritySignature', 'EnableInsecureGuestLogons') }
Add-Guarded 'smb_shares' {
    $rows = foreach ($share in @(Get-SmbShare)) {
        $folder = $null
        # rights as SDDL: SIDs, no names. Special shares (C$, IPC$) are for administrators and services alone
        if (-not $share.Special -and $share.Path -and (Get-Number $share.ShareType) -eq 0) {
            try { $folder = (Get-Acl -LiteralPath $share.Path).Sddl } catch { $folder = $null }
        }
        @{
            name = "$($share.Name)"; path = "$($share.Path)"; special = [bool]$share.Special; kind = Get-Number $share.ShareType
            encrypted = [bool]$share.EncryptData; rights = "$($share.SecurityDescriptor)"; folder_rights = $folder
        }
    }
    @{ rows = @($rows) }
}
Add-Section 'shares' { Get-Rows 'root/cimv2' 'Win32_Share' @('Name', 'Path', 'Type') '' }
Add-Section 'time' {
    $lines = foreach ($line in @(& "$env:windir\System32\w32tm.exe" /query /status)) { "$line" }
    @{ status = $LASTEXITCODE; lines = @($lines) }
}

# ---- certificates -------------------------------------------------------------------------------------------------------
# Public parts only; whether a private key lies beside one is all that is asked of keys.

Add-Section 'certificates' {
    $rows = foreach ($store in 'My', 'WebHosting', 'Remote Desktop') {
        if (-not (Test-Path -LiteralPath "Cert:\LocalMachine\$store")) { continue }
        foreach ($one in @(Get-ChildItem -LiteralPath "Cert:\LocalMachine\$store")) {
            @{ store = $store; thumbprint = "$($one.Thumbprint)"; has_key = [bool]$one.HasPrivateKey; der = $one.RawData }
        }
    }
    if (@($rows).Count -gt 200) { throw "$(@($rows).Count) certificates: more than are carried" }
    @{ rows = @($rows) }
}
Add-Section 'https_bindings' {
    $rows = foreach ($list in 'SslBindingInfo', 'SslSniBindingInfo') {
        foreach ($name in @(Get-Subkeys "$Svc\HTTP\Parameters\$list")) {
            @{ name = "$name"; hash = (Get-ItemProperty -LiteralPath "$Svc\HTTP\Parameters\$list\$name").SslCertHash }
        }
    }
    @{ rows = @($rows) }
}
Add-Guarded 'rdp_certificate' { Get-Rows 'root/cimv2/TerminalServices' 'Win32_TSGeneralSetting' @('TerminalName', 'SSLCertificateSHA1Hash') '' }

# ---- backup -------------------------------------------------------------------------------------------------------------

# Time of the newest event of a kind; null where the log holds none.
function Get-Newest([hashtable]$Filter) {
    try { Get-Utc (Get-WinEvent -FilterHashtable $Filter -MaxEvents 1).TimeCreated }
    catch { if ("$($_.FullyQualifiedErrorId)" -notlike 'NoMatchingEventsFound*') { throw } }
}
Add-Guarded 'backup_events' {
    # 4: Windows Server Backup ended well; its failures are events of level 2
    @{ succeeded = Get-Newest @{ LogName = 'Microsoft-Windows-Backup'; Id = 4 }; failed = Get-Newest @{ LogName = 'Microsoft-Windows-Backup'; Level = 2 } }
}
Add-Guarded 'backup_tasks' {
    $known = 'wbadmin', 'sdengin2', 'vssadmin', 'robocopy', 'xcopy', 'restic', 'rclone', 'duplicati', 'kopia', 'borg', 'rsync', 'sqlcmd', 'sqlmaint', 'mysqldump', 'mariabackup', 'mariadb-backup', 'mariadb-dump', 'pg_dump', 'pg_dumpall', 'pg_basebackup', 'mongodump', 'expdp', 'rman', 'ntdsutil'
    $rows = foreach ($task in @(Get-ScheduledTask)) {
        # of what a task starts only which of these words it holds leaves the machine: arguments may hold passwords
        $tools = foreach ($action in @($task.Actions)) {
            $line = "$($action.Execute) $($action.Arguments)"
            foreach ($word in $known) { if ($line -match ('(^|[^a-z0-9_-])' + $word + '(\.exe)?($|[^a-z0-9_-])')) { $word } }
            if ($line -match '(backup|sao[-_ ]*luu)[^\\/]*\.(bat|cmd|ps1|vbs|py)') { 'script' }
        }
        if (@($tools).Count -gt 0) {
            $last = Get-ScheduledTaskInfo -InputObject $task
            $triggers = foreach ($one in @($task.Triggers)) {
                if ($null -ne $one) { @{ kind = "$($one.CimClass.CimClassName)"; enabled = [bool]$one.Enabled; days = Get-Number $one.DaysInterval; weeks = Get-Number $one.WeeksInterval; weekdays = Get-Number $one.DaysOfWeek; again = "$($one.Repetition.Interval)"; during = "$($one.Repetition.Duration)" } }
            }
            @{
                name = "$($task.TaskPath)$($task.TaskName)"; tools = @($tools); enabled = [bool]$task.Settings.Enabled; state = Get-Number $task.State
                last_run = Get-Utc $last.LastRunTime; last_result = Get-Number $last.LastTaskResult; triggers = @($triggers)
            }
        }
    }
    @{ rows = @($rows) }
}

# ---- activity -----------------------------------------------------------------------------------------------------------
# A moment of the machine: its programs and peers, names asked for lately, and what starts by itself.

Add-Section 'images' { Get-Rows 'root/cimv2' 'Win32_Process' @('ProcessId', 'Name') '' }
Add-Section 'connections' {
    $found = Get-Rows 'root/StandardCimv2' 'MSFT_NetTCPConnection' @('State', 'LocalAddress', 'LocalPort', 'RemoteAddress', 'RemotePort', 'OwningProcess') ''
    if ($found.rows.Count -gt 20000) { throw "$($found.rows.Count) connections: more than are carried" }
    foreach ($row in $found.rows) { if ($null -ne $row) { $row['State'] = Get-Number $row['State'] } }
    $found
}
Add-Section 'dns_servers' { Get-Rows 'root/StandardCimv2' 'MSFT_DNSClientServerAddress' @('InterfaceIndex', 'ServerAddresses') '' }
# Rules that send some names, or all, to other servers.
Add-Section 'dns_rules' {
    $rows = foreach ($root in "$Pol\Windows NT\DNSClient\DnsPolicyConfig", "$Svc\Dnscache\Parameters\DnsPolicyConfig") {
        foreach ($name in @(Get-Subkeys $root)) { Get-Fields (Get-ItemProperty -LiteralPath "$root\$name") @('GenericDNSServers', 'DirectAccessDNSServers') }
    }
    @{ rows = @($rows) }
}
Add-Section 'dns_cache' {
    $found = Get-Rows 'root/StandardCimv2' 'MSFT_DNSClientCache' @('Entry', 'Name', 'Type', 'Data') ''
    foreach ($row in $found.rows) {
        if ($null -eq $row) { continue }
        $row['Type'] = Get-Number $row['Type']
        # another name for it; what else a record says is left here
        if ($row['Type'] -ne 5) { $row['Data'] = $null }
    }
    $found
}
Add-Section 'hosts_file' {
    $folder = "$((Get-ItemProperty -LiteralPath "$Svc\Tcpip\Parameters").DataBasePath)"
    if (-not $folder) { $folder = "$env:windir\System32\drivers\etc" }
    if ($folder -notmatch '^[A-Za-z]:\\') { throw 'DataBasePath is no folder of this machine' }
    $lines = foreach ($name in 'hosts', 'hosts.ics') {
        if ($name -ne 'hosts' -and -not (Test-Path -LiteralPath "$folder\$name")) { continue }
        foreach ($line in @(Get-Content -LiteralPath "$folder\$name")) {
            $bare = ("$line" -replace '#.*$', '').Trim()
            if ($bare) { $bare }
        }
    }
    if (@($lines).Count -gt 20000) { throw "$(@($lines).Count) lines: more than are carried" }
    @{ lines = @($lines) }
}

$Endings = 'exe|scr|bat|cmd|ps1|vbs|vbe|js|jse|wsf|hta|msi|dll|cpl|py|jar|url'
$Carriers = '^(cmd|powershell|pwsh|wscript|cscript|mshta|rundll32|regsvr32|msiexec|pythonw?|py|javaw?|node|conhost|forfiles|explorer)(\.exe)?$'
$HostPatterns = '[a-z][a-z0-9+.-]+://(?:[^/?#\s''"]*@)?(\[[0-9a-f:.]+\]|[\w.-]+)', '(?<![\w\\])\\\\(\w[\w.-]*)(?:@\w+)*\\', '(?<![\w./:\\-])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.-])'

# Names of the program of a command line, of programs that it starts in turn, and of hosts. Nothing else of it leaves the machine:
# arguments may hold passwords. Where the program cannot be told from its arguments, none is named.
function Get-Start([string]$Place, [string]$Line) {
    $program = ''
    $rest = ''
    if ($Line -match '^\s*"([^"]+)"' -or
        $Line -match "^\s*([^\s""]+\.(?:$Endings))(?=[\s,]|$)" -or
        $Line -match "^\s*((?:[a-z]:|%[\w()]+%)\\[^"":]*?\.(?:$Endings))(?=[\s,]|$)" -or
        $Line -match '^\s*([\w.+-]+(?=\s|$)|[^\s"]+(?=\s*$|\s+[-/"]|\s+[a-z]:\\))') {
        $program = $Matches[1]
        $rest = $Line.Substring($Matches[0].Length)
    }
    $names = @()
    if ($program -notmatch "\s[-/]\S|\s\\|\.(?:$Endings)[\s""]") {
        $leaf = @($program -replace '/', '\' -split '\\')[-1]
        if ($leaf -match '^[\w.+-]{1,100}$' -or $leaf -match "^[\w .,+@()\[\]{}~!#&'-]{1,100}\.(?:$Endings)$") { $names += $leaf }
    }
    if ($names.Count -gt 0 -and $names[0] -match $Carriers) {
        $bare = $rest -replace ($HostPatterns[0] + '\S*'), ' '
        foreach ($found in [regex]::Matches($bare, "(?<![^\s""'\\/,;(&|])[^\\/:*?""<>|\s=,;'()-][^\\/:*?""<>|\s=,;'()]{0,99}\.(?:$Endings)(?![\w.-])", 'IgnoreCase')) { $names += $found.Value }
    }
    $named = $names.Count -gt 0
    $hosts = foreach ($pattern in $HostPatterns) {
        foreach ($found in [regex]::Matches($Line, $pattern, 'IgnoreCase')) { $found.Groups[1].Value.Trim('[', ']').ToLower() }
    }
    @{ place = $Place; named = $named; programs = @($names); hosts = @($hosts) }
}

# What lies in a folder for startup: programs, shortcuts, and web addresses.
function Get-StartupFolder([string]$Place, [string]$Folder) {
    if (-not (Test-Path -LiteralPath $Folder)) { return }
    foreach ($file in @(Get-ChildItem -LiteralPath $Folder -File -Force)) {
        if ($file.Name -eq 'desktop.ini') { continue }
        if ($file.Extension -eq '.lnk') {
            # opened, and never saved or followed
            $link = (New-Object -ComObject WScript.Shell).CreateShortcut($file.FullName)
            Get-Start $Place ('"' + $link.TargetPath + '" ' + $link.Arguments)
        }
        elseif ($file.Extension -eq '.url') { Get-Start $Place ('"' + $file.Name + '" ' + (@(Get-Content -LiteralPath $file.FullName) -match '^URL=')) }
        else { Get-Start $Place ('"' + $file.Name + '"') }
    }
}

Add-Guarded 'startup_keys' {
    $roots = @{ 'HKLM\SOFTWARE' = 'HKLM:\SOFTWARE'; 'HKLM\SOFTWARE\WOW6432Node' = 'HKLM:\SOFTWARE\WOW6432Node' }
    # hives of people are there only while they are logged on
    $people = @(Get-People)
    $loaded = @($people | Where-Object { Test-Path -LiteralPath "Registry::HKEY_USERS\$_" })
    foreach ($sid in $loaded) { $roots["HKU\$sid\Software"] = "Registry::HKEY_USERS\$sid\Software" }
    $rows = foreach ($root in @($roots.Keys)) {
        foreach ($part in 'Run', 'RunOnce', 'Policies\Explorer\Run') {
            $path = "$($roots[$root])\Microsoft\Windows\CurrentVersion\$part"
            if (-not (Test-Path -LiteralPath $path)) { continue }
            $key = Get-Item -LiteralPath $path
            foreach ($name in $key.GetValueNames()) {
                $line = $key.GetValue($name)
                if ($line -is [string] -and $line.Trim()) { Get-Start "$root\Microsoft\Windows\CurrentVersion\$part" $line }
            }
        }
    }
    @{ rows = @($rows); people = $people.Count; people_seen = $loaded.Count }
}
Add-Guarded 'startup_folders' {
    $common = "$((Get-ItemProperty -LiteralPath 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders').'Common Startup')"
    if ($common -notmatch '^[A-Za-z]:\\') { throw 'Common Startup is no folder of this machine' }
    $rows = @(Get-StartupFolder 'Startup' $common)
    foreach ($sid in @(Get-People)) {
        $home_of = "$((Get-ItemProperty -LiteralPath "$Cv\ProfileList\$sid").ProfileImagePath)"
        if ($home_of -notmatch '^[A-Za-z]:\\') { throw 'a profile is in no folder of this machine' }
        $rows += @(Get-StartupFolder "$sid\Startup" "$home_of\AppData\Roaming\Microsoft\Windows\Start Menu\Programs\Startup")
    }
    @{ rows = @($rows) }
}
Add-Guarded 'startup_tasks' {
    $tasks = @(Get-ScheduledTask)
    $rows = foreach ($task in $tasks) {
        if (-not $task.Settings.Enabled) { continue }
        foreach ($action in @($task.Actions)) {
            if ("$($action.Execute)") { Get-Start "$($task.TaskPath)$($task.TaskName)" ('"' + "$($action.Execute)".Trim('"', ' ') + '" ' + "$($action.Arguments)") }
        }
    }
    @{ rows = @($rows); tasks = $tasks.Count }
}
Add-Section 'startup_services' {
    $rows = foreach ($row in @((Get-Rows 'root/cimv2' 'Win32_Service' @('Name', 'PathName') "StartMode = 'Auto'").rows)) {
        Get-Start "$($row.Name)" "$($row.PathName)"
    }
    @{ rows = @($rows) }
}

# ---- Windows Update -----------------------------------------------------------------------------------------------------
# From its own cache. In a runspace of its own, because a search may hang for minutes; the rest must not wait for it.

$Search = {
    $ErrorActionPreference = 'Stop'
    $session = New-Object -ComObject Microsoft.Update.Session
    $session.ClientApplicationID = 'rasoat'
    $searcher = $session.CreateUpdateSearcher()
    $searcher.Online = $false
    $rows = @()
    foreach ($hidden in 0, 1) {
        $found = $searcher.Search("IsInstalled=0 and IsHidden=$hidden and Type='Software'")
        if ($hidden -eq 0) { $code = [int]$found.ResultCode }
        elseif ([int]$found.ResultCode -ne 2) { $code = [int]$found.ResultCode }
        foreach ($update in $found.Updates) {
            if ($rows.Count -ge 500) { break }
            $rows += @{
                title = "$($update.Title)"; id = "$($update.Identity.UpdateID)"; hidden = [bool]$hidden; severity = "$($update.MsrcSeverity)"
                kb = @(foreach ($one in $update.KBArticleIDs) { "$one" }); cve = @(foreach ($one in $update.CveIDs) { "$one" })
                categories = @(foreach ($one in $update.Categories) { "$($one.CategoryID)" })
                # UTC already, though the value does not say so
                changed = $update.LastDeploymentChangeTime.ToString('s') + 'Z'
            }
        }
    }
    $results = (New-Object -ComObject Microsoft.Update.AutoUpdate).Results
    $dates = @{}
    foreach ($name in 'LastSearchSuccessDate', 'LastInstallationSuccessDate') {
        $dates[$name] = if ($null -ne $results.$name) { $results.$name.ToString('s') + 'Z' } else { $null }
    }
    @{ result_code = $code; rows = @($rows); last_search = $dates['LastSearchSuccessDate']; last_install = $dates['LastInstallationSuccessDate'] }
}
Add-Section 'wua' {
    $worker = [powershell]::Create()
    $worker.AddScript("$Search") | Out-Null
    $waiting = $worker.BeginInvoke()
    if (-not $waiting.AsyncWaitHandle.WaitOne($WuaSeconds * 1000)) { throw "timeout: Windows Update did not answer within $WuaSeconds s" }
    $answer = $worker.EndInvoke($waiting)
    if ($answer.Count -lt 1) { throw $worker.Streams.Error[0].Exception }
    $answer[0]
}

# ---- the answer ---------------------------------------------------------------------------------------------------------

$json = Format-Json @{ schema = 'rasoat-windows/1'; sections = $Sections }
Write-Output 'RASOAT-BEGIN'
for ($at = 0; $at -lt $json.Length; $at += 70) {
    $left = $json.Length - $at
    if ($left -gt 70) { $left = 70 }
    # a blank at the end of a line could be lost on the way
    Write-Output ('|' + $json.Substring($at, $left) + '|')
}
Write-Output "RASOAT-END $($json.Length)"
