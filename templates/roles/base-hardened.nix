# What every machine that is somebody's server should have: one way in, by key, and nothing else open.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.base-hardened;
in
{
  options.bootstead.roles.base-hardened = {
    enable = lib.mkEnableOption "the hardened base: SSH by key only, a closed firewall, bounded logs, disk health";

    sshPort = mkOption {
      type = types.port;
      default = 22;
      example = 2222;
      description = ''
        The port of SSH. The firewall opens it in the same activation that moves the server there, so that a change
        never locks out. The agent does not need it.
      '';
    };

    sshFrom = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/24" ];
      description = "The networks that may reach SSH. Empty: all.";
    };

    sudoWithPassword = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether `sudo` asks for a password. An administrator who comes in by key has none, unless
        `users.users.NAME.hashedPasswordFile` gives one.
      '';
    };

    journalSize = mkOption {
      type = types.strMatching "[0-9]+[KMGT]";
      default = "1G";
      description = "How much disk space the journal may take.";
    };

    timeServers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.1" ];
      description = "NTP servers. Empty: those of NixOS.";
    };

    diskHealth = mkOption {
      type = types.bool;
      default = true;
      description = "Watch disks by SMART. Disks without SMART, as in virtual machines, are passed over.";
    };

    firmwareUpdates = mkOption {
      type = types.bool;
      default = pkgs.stdenv.hostPlatform.isx86_64;
      defaultText = lib.literalExpression "pkgs.stdenv.hostPlatform.isx86_64";
      description = "Look for firmware updates by fwupd. They are installed by `fwupdmgr update` only, never by themselves.";
    };

    hardwareReport = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./facter.json";
      description = "The hardware report of nixos-facter; drivers and firmware are chosen by it.";
    };
  };

  config = lib.mkIf cfg.enable {
    services.openssh = {
      enable = true;
      ports = [ cfg.sshPort ];
      openFirewall = cfg.sshFrom == [ ];
      settings = {
        PermitRootLogin = "no";
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        PubkeyAuthentication = true;
        AllowAgentForwarding = false;
        MaxAuthTries = 4;
        X11Forwarding = false;
      };
    };

    networking.firewall = lib.mkMerge [
      {
        enable = true;
        # A log line for each refused packet fills the journal.
        logRefusedConnections = lib.mkDefault false;
      }
      (import ../lib/firewall.nix { inherit lib config; } {
        from = cfg.sshFrom;
        tcp = [ cfg.sshPort ];
      })
    ];

    security.sudo = {
      execWheelOnly = true;
      wheelNeedsPassword = cfg.sudoWithPassword;
    };
    users.mutableUsers = lib.mkDefault false;
    users.users.root.hashedPassword = lib.mkDefault "!";

    boot.kernel.sysctl = {
      "kernel.dmesg_restrict" = lib.mkDefault 1;
      "kernel.kptr_restrict" = lib.mkOverride 500 2;
      "net.ipv4.conf.all.accept_redirects" = lib.mkDefault 0;
      "net.ipv4.conf.default.accept_redirects" = lib.mkDefault 0;
      "net.ipv4.conf.all.send_redirects" = lib.mkDefault 0;
      "net.ipv6.conf.all.accept_redirects" = lib.mkDefault 0;
      "net.ipv6.conf.default.accept_redirects" = lib.mkDefault 0;
    };

    services.journald.extraConfig = ''
      SystemMaxUse=${cfg.journalSize}
      MaxRetentionSec=3month
    '';
    systemd.coredump.settings.Coredump.Storage = lib.mkDefault "none";

    services.timesyncd.enable = lib.mkDefault true;
    networking.timeServers = lib.mkIf (cfg.timeServers != [ ]) cfg.timeServers;

    services.smartd = {
      enable = cfg.diskHealth;
      extraOptions = [ "--quit=never" ];
    };
    services.fwupd.enable = cfg.firmwareUpdates;
    hardware.facter.reportPath = lib.mkIf (cfg.hardwareReport != null) cfg.hardwareReport;

    # The system is changed by its appliance; what is not in the closure has no business here.
    nix.settings = {
      allowed-users = [ "@wheel" ];
      trusted-users = [ "root" ];
    };
    documentation = {
      nixos.enable = lib.mkDefault false;
      doc.enable = lib.mkDefault false;
    };
  };
}
