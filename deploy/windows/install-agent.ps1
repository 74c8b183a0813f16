<#
Installs the rasoat agent on this machine, or brings it up to date. Authored from documentation: it has not run on a Windows machine yet.

    powershell.exe -NoProfile -ExecutionPolicy Bypass -File install-agent.ps1 -Package rasoat-agent-1.0.0-windows-amd64.zip
        -Url https://collector.example -TokenFile \\share\token.txt [-CaFile ca.pem] [-Name NAME] [-Kind server|workstation]
        [-Sha256 DIGEST] [-RemoveTokenFile] [-Unattended]

Cài đặt hoặc nâng cấp tác tử rasoat: xem docs/release.md.

What it does, each time the same, so it may be run again at any time (group policy start-up script, SCCM/MECM, by hand):
  1. holds the package against -Sha256, or against SHA256SUMS beside it; without either it says that nobody checked it;
  2. puts the program in "%ProgramFiles%\rasoat" and the state in "%ProgramData%\rasoat", where SYSTEM and Administrators alone get in;
  3. enrols, once, with the token of -TokenFile or one that is typed unseen. The token goes to the program's standard input:
     a command line can be read by everybody on the machine;
  4. lets the Task Scheduler start it as SYSTEM every quarter of an hour; the program decides whether a scan is due.
Without -Url it only installs; the task is made once the machine is enrolled.

Exit codes, for those who deploy it: 0 installed (and enrolled, where -Url was given) | 2 wrong usage or a package that is not what it should be |
3 not run as administrator | 4 the collector was not reached, run it again | 5 it refused the token, or something unforeseen.
Windows PowerShell 4.0 or later (Server 2012 R2).
#>
[CmdletBinding()]
param(
    [string]$Package,
    [string]$Url,
    [string]$TokenFile,
    [string]$CaFile,
    [string]$Name,
    [ValidateSet('server', 'workstation')][string]$Kind,
    [string]$Sha256,
    [switch]$RemoveTokenFile,
    [switch]$Unattended
)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$ProgramFolder = Join-Path $env:ProgramFiles 'rasoat'
$StateFolder = Join-Path $env:ProgramData 'rasoat'
$Program = Join-Path $ProgramFolder 'rasoat-agent\rasoat.exe'
$TaskName = 'rasoat agent'
$System = 'S-1-5-18'
$Administrators = 'S-1-5-32-544'
$Vietnamese = (Get-UICulture).TwoLetterISOLanguageName -eq 'vi'

function Say {
    param([string]$English, [string]$InVietnamese)
    if ($Vietnamese) { Write-Output "rasoat: $InVietnamese" } else { Write-Output "rasoat: $English" }
}

function Stop-With {
    param([int]$Code, [string]$English, [string]$InVietnamese)
    if ($Vietnamese) { [Console]::Error.WriteLine("rasoat: $InVietnamese") } else { [Console]::Error.WriteLine("rasoat: $English") }
    exit $Code
}

function Test-Elevated {
    $principal = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    return $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)
}

# The digest that the package should have, or nothing.
function Get-Wanted {
    if ($Sha256) { return $Sha256 }
    $sums = Join-Path (Split-Path -Parent $Package) 'SHA256SUMS'
    if (-not (Test-Path -LiteralPath $sums)) { return $null }
    $leaf = [regex]::Escape((Split-Path -Leaf $Package))
    foreach ($line in [IO.File]::ReadAllLines($sums)) {
        if ($line -match "^([0-9a-fA-F]{64}) [ *]$leaf$") { return $Matches[1] }
    }
    Stop-With 2 "SHA256SUMS does not name $Package" "SHA256SUMS không có dòng nào của $Package"
}

function Confirm-Package {
    if (-not $Package -or -not (Test-Path -LiteralPath $Package -PathType Leaf)) {
        Stop-With 2 'give the package with -Package' 'hãy chỉ ra gói cài đặt bằng -Package'
    }
    $wanted = Get-Wanted
    $found = (Get-FileHash -LiteralPath $Package -Algorithm SHA256).Hash
    if (-not $wanted) {
        Say "nobody checked this package (SHA-256 $found); give -Sha256" "chưa kiểm tra gói cài đặt này (SHA-256 $found); hãy dùng -Sha256"
    } elseif ($found -ne $wanted) {
        Stop-With 2 "the package is not the released one: its SHA-256 is $found" "gói cài đặt không phải bản phát hành: SHA-256 của gói là $found"
    }
}

# A folder that anybody could have made before us: %ProgramData% lets users make folders.
function New-PrivateFolder {
    if (Test-Path -LiteralPath $StateFolder) {
        $owner = (Get-Acl -LiteralPath $StateFolder).GetOwner([Security.Principal.SecurityIdentifier]).Value
        if ($owner -ne $System -and $owner -ne $Administrators) {
            Stop-With 2 "$StateFolder belongs to $owner; remove it first" "$StateFolder thuộc về $owner; hãy xóa thư mục này trước"
        }
    } else {
        New-Item -ItemType Directory -Path $StateFolder | Out-Null
    }
    $security = New-Object Security.AccessControl.DirectorySecurity
    # without naming the parts it would write an audit list too, which takes a privilege that administrators lack
    $parts = [Security.AccessControl.AccessControlSections]'Owner, Group, Access'
    $security.SetSecurityDescriptorSddlForm('O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)', $parts)
    Set-Acl -LiteralPath $StateFolder -AclObject $security
}

function Test-Task {
    return [bool](Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue)
}

function Stop-Agent {
    if (Test-Task) {
        Disable-ScheduledTask -TaskName $TaskName | Out-Null
        Stop-ScheduledTask -TaskName $TaskName
    }
    # what it started needs a moment to let go of its files
    for ($try = 0; $try -lt 30; $try++) {
        $running = Get-Process -Name 'rasoat' -ErrorAction SilentlyContinue | Where-Object { $_.Path -eq $Program }
        if (-not $running) { return }
        Start-Sleep -Seconds 1
    }
}

# Beside the old one first, and renamed in its place: a package that is broken, or a file in use, leaves the old one as it was.
function Install-Program {
    Add-Type -AssemblyName System.IO.Compression.FileSystem
    $fresh = Join-Path $ProgramFolder 'new'
    $old = Join-Path $ProgramFolder 'old'
    $target = Join-Path $ProgramFolder 'rasoat-agent'
    foreach ($left in @($fresh, $old)) {
        if (Test-Path -LiteralPath $left) { Remove-Item -LiteralPath $left -Recurse -Force }
    }
    New-Item -ItemType Directory -Path $fresh -Force | Out-Null
    [IO.Compression.ZipFile]::ExtractToDirectory((Resolve-Path -LiteralPath $Package).ProviderPath, $fresh)
    $unpacked = Join-Path $fresh 'rasoat-agent'
    $trial = Join-Path $unpacked 'rasoat.exe'
    & $trial version | Out-Null
    if ($LASTEXITCODE -ne 0) {
        Remove-Item -LiteralPath $fresh -Recurse -Force
        Stop-With 2 'the program in this package does not start here' 'chương trình trong gói cài đặt không chạy được trên máy này'
    }
    Stop-Agent
    if (Test-Path -LiteralPath $target) { Move-Item -LiteralPath $target -Destination $old }
    Move-Item -LiteralPath $unpacked -Destination $target
    foreach ($left in @($fresh, $old)) {
        if (Test-Path -LiteralPath $left) { Remove-Item -LiteralPath $left -Recurse -Force }
    }
}

function Read-Token {
    if ($TokenFile) { return [IO.File]::ReadAllText($TokenFile).Trim() }
    if ($Unattended) { Stop-With 2 '-Unattended needs -TokenFile' '-Unattended cần đi kèm -TokenFile' }
    $question = if ($Vietnamese) { 'Mã ghi danh (không hiện khi gõ)' } else { 'Enrolment token (not shown while typed)' }
    $typed = Read-Host -Prompt $question -AsSecureString
    $pointer = [Runtime.InteropServices.Marshal]::SecureStringToBSTR($typed)
    try {
        return [Runtime.InteropServices.Marshal]::PtrToStringBSTR($pointer)
    } finally {
        [Runtime.InteropServices.Marshal]::ZeroFreeBSTR($pointer)
    }
}

function Register-Machine {
    $arguments = @('agent', 'enrol', $Url, '--token-file', '-')
    if ($CaFile) { $arguments += @('--ca', $CaFile) }
    if ($Name) { $arguments += @('--name', $Name) }
    if ($Kind) { $arguments += @('--kind', $Kind) }
    Read-Token | & $Program @arguments
    $code = $LASTEXITCODE
    if ($code -eq 4) { Stop-With 4 'the collector was not reached; run this again' 'chưa kết nối được máy chủ thu thập; hãy chạy lại' }
    if ($code -ne 0) { Stop-With 5 "not enrolled (exit code $code)" "chưa ghi danh được (mã thoát $code)" }
    if ($RemoveTokenFile -and $TokenFile) { Remove-Item -LiteralPath $TokenFile -Force }
}

# As XML: what New-ScheduledTaskTrigger takes for "repeat for ever" differs between versions of Windows.
function Register-Agent {
    $command = [Security.SecurityElement]::Escape($Program)
    $task = @"
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>rasoat: look at this machine when it is due, judge it, report to the collector</Description></RegistrationInfo>
  <Triggers>
    <BootTrigger><Enabled>true</Enabled><Delay>PT2M</Delay></BootTrigger>
    <TimeTrigger>
      <Enabled>true</Enabled><StartBoundary>2026-01-01T00:00:00</StartBoundary>
      <Repetition><Interval>PT15M</Interval></Repetition><RandomDelay>PT5M</RandomDelay>
    </TimeTrigger>
  </Triggers>
  <Principals><Principal id="Author"><UserId>$System</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <StartWhenAvailable>true</StartWhenAvailable>
    <ExecutionTimeLimit>PT20M</ExecutionTimeLimit>
    <Priority>8</Priority>
  </Settings>
  <Actions Context="Author"><Exec><Command>$command</Command><Arguments>agent once --if-due --quiet</Arguments></Exec></Actions>
</Task>
"@
    Register-ScheduledTask -TaskName $TaskName -Xml $task -Force | Out-Null
    Enable-ScheduledTask -TaskName $TaskName | Out-Null
}

try {
    if (-not (Test-Elevated)) { Stop-With 3 'run this as administrator' 'hãy chạy với quyền quản trị' }
    Confirm-Package
    New-PrivateFolder
    Install-Program
    $enrolled = Test-Path -LiteralPath (Join-Path $StateFolder 'state\identity.json')
    if ($Url -and -not $enrolled) {
        Register-Machine
        $enrolled = $true
    }
    if ($enrolled) {
        Register-Agent
        Say 'installed; the task "rasoat agent" reports from now on' 'đã cài đặt; tác vụ "rasoat agent" sẽ báo cáo từ bây giờ'
    } else {
        Say 'installed; not enrolled yet: run this again with -Url and -TokenFile' 'đã cài đặt; chưa ghi danh: hãy chạy lại với -Url và -TokenFile'
    }
    exit 0
} catch {
    if (Test-Task) { Enable-ScheduledTask -TaskName $TaskName | Out-Null }
    Stop-With 5 "$($_.Exception.Message)" "$($_.Exception.Message)"
}
