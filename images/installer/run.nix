# Network, consoles, watchdog, rescue shell and the agent: the micro-installer's own script, without its beginning, which
# sets up what systemd has set up here.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.bootstead.installer;
  source = builtins.readFile ../micro-installer/init.sh;

  # The parts between the marks; a script that lost its marks ends the evaluation.
  pieces = lib.tail (lib.splitString "{{{\n" source);
  shared = map (
    piece:
    let
      halves = lib.splitString "# }}}" piece;
    in
    if lib.length halves == 2 then
      lib.head halves
    else
      throw "images/micro-installer/init.sh: the marks that the NixOS installer takes its parts by are not in pairs"
  ) pieces;
  # Files of the micro-installer that the script names, and where they lie here.
  placed =
    lib.replaceStrings
      [
        "/usr/share/udhcpc/default.script"
        "/usr/lib/bootstead/handed-network.sh"
      ]
      [
        "${lease}"
        "${../micro-installer/handed-network.sh}"
      ];
  joined = placed (
    lib.concatStringsSep ''
      say "${cfg.variant}, kernel $(uname -r)"
      [ -e /etc/bootstead/boot.json ] || say "the boot loader did not load the appliance's overlay"
    '' shared
  );
  script =
    if lib.length shared != 2 then
      throw "images/micro-installer/init.sh: two parts are expected between its marks, found ${toString (lib.length shared)}"
    else if lib.hasInfix "/usr/" joined then
      throw "images/micro-installer/init.sh names a file below /usr that images/installer/run.nix does not know"
    else
      joined;

  shell = "${pkgs.busybox}/bin/busybox";
  lease = pkgs.writeScript "bootstead-lease" (
    lib.replaceStrings [ "#!/bin/busybox sh" ] [ "#!${shell} sh" ] (
      builtins.readFile ../micro-installer/udhcpc.script
    )
  );
  run = pkgs.writeScript "bootstead-install" ''
    #!${shell} sh
    export HOME=/root TERM=linux
    mkdir -p /run/bootstead
    ${script}
  '';

  # Programs of the micro-installer's list first; busybox for all else, as there.
  programs = [
    config.bootstead.agentPackage
    pkgs.util-linux
    pkgs.e2fsprogs
    pkgs.xfsprogs
    pkgs.dosfstools
    pkgs.lvm2
    pkgs.thin-provisioning-tools
    pkgs.smartmontools
    pkgs.kmod
    pkgs.coreutils
  ]
  ++ lib.optional (lib.meta.availableOn pkgs.stdenv.hostPlatform pkgs.efibootmgr) pkgs.efibootmgr;
in
{
  # The script asks for addresses itself, with the card that the machine booted from first.
  networking = {
    useDHCP = false;
    useNetworkd = false;
    dhcpcd.enable = false;
    resolvconf.enable = false;
    firewall.enable = false;
  };
  services.resolved.enable = false;
  environment.etc."resolv.conf".enable = false;

  systemd.services.bootstead-install = {
    description = "Bootstead installer";
    wantedBy = [ "multi-user.target" ];
    after = [
      "systemd-tmpfiles-setup.service"
      "systemd-udev-settle.service"
      "systemd-modules-load.service"
    ];
    # Disks that are still being found would be missing from the inventory.
    wants = [ "systemd-udev-settle.service" ];
    environment.PATH = lib.mkForce "${lib.makeBinPath (programs ++ [ pkgs.busybox config.systemd.package ])}:/run/current-system/sw/bin";
    serviceConfig = {
      ExecStart = run;
      Restart = "always";
      RestartSec = 5;
      # The console's pipe, the leases and rescue shells are its children.
      KillMode = "control-group";
      # A person at the console sees the script's own lines; the journal has the rest.
      StandardOutput = "journal";
      OOMScoreAdjust = -900;
    };
    restartIfChanged = false;
  };

  # The consoles are the installer's: nobody logs in, a rescue boot has its shells from the script.
  systemd.services."getty@tty1".enable = false;
  systemd.services."autovt@".enable = false;
  systemd.services."serial-getty@".enable = false;
  services.getty.autologinUser = null;
  users.users.root.hashedPassword = "!";
  users.allowNoPasswordLogin = true;
}
