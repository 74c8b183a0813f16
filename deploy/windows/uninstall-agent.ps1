<#
Removes the rasoat agent from this machine. Authored from documentation: it has not run on a Windows machine yet.

    powershell.exe -NoProfile -ExecutionPolicy Bypass -File uninstall-agent.ps1 [-Purge]

The state in "%ProgramData%\rasoat" stays: installed again, it is the same agent, and what waits to be sent is sent. -Purge takes it too, the
machine's key included. The collector keeps what was reported, and is told by a person that the machine is gone (retired).

Exit codes: 0 removed, or nothing was there | 3 not run as administrator | 5 something unforeseen.
#>
[CmdletBinding()]
param([switch]$Purge)
Set-StrictMode -Version 2
$ErrorActionPreference = 'Stop'

$ProgramFolder = Join-Path $env:ProgramFiles 'rasoat'
$StateFolder = Join-Path $env:ProgramData 'rasoat'
$Program = Join-Path $ProgramFolder 'rasoat-agent\rasoat.exe'
$TaskName = 'rasoat agent'
$Vietnamese = (Get-UICulture).TwoLetterISOLanguageName -eq 'vi'

function Stop-With {
    param([int]$Code, [string]$English, [string]$InVietnamese)
    if ($Vietnamese) { [Console]::Error.WriteLine("rasoat: $InVietnamese") } else { [Console]::Error.WriteLine("rasoat: $English") }
    exit $Code
}

try {
    $principal = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
    if (-not $principal.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
        Stop-With 3 'run this as administrator' 'hãy chạy với quyền quản trị'
    }
    if (Get-ScheduledTask -TaskName $TaskName -ErrorAction SilentlyContinue) {
        Stop-ScheduledTask -TaskName $TaskName
        Unregister-ScheduledTask -TaskName $TaskName -Confirm:$false
    }
    for ($try = 0; $try -lt 30; $try++) {
        $running = Get-Process -Name 'rasoat' -ErrorAction SilentlyContinue | Where-Object { $_.Path -eq $Program }
        if (-not $running) { break }
        Start-Sleep -Seconds 1
    }
    if (Test-Path -LiteralPath $ProgramFolder) { Remove-Item -LiteralPath $ProgramFolder -Recurse -Force }
    if ($Purge -and (Test-Path -LiteralPath $StateFolder)) { Remove-Item -LiteralPath $StateFolder -Recurse -Force }
    if ($Vietnamese) { Write-Output 'rasoat: đã gỡ bỏ' } else { Write-Output 'rasoat: removed' }
    exit 0
} catch {
    Stop-With 5 "$($_.Exception.Message)" "$($_.Exception.Message)"
}
