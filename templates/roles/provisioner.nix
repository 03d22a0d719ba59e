# The appliance itself: answers network boots on the interfaces that are named, beside the DHCP server that is there.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.provisioner;
  directory = "/var/lib/${cfg.stateDirectory}";

  loaders = import ./_provisioner-loaders.nix pkgs;

  # What is null is left out, and a list is an option for each of its values.
  arguments = lib.cli.toCommandLineShellGNU { } {
    interface = cfg.interfaces;
    data = directory;
    http-port = cfg.httpPort;
    takeover-watchdog = cfg.takeoverWatchdog;
    log-level = cfg.logLevel;
    console = cfg.consoles;
    loader-directory = map (folder: "${folder}") cfg.loaders;
    inherit (cfg) enrolment agent;
    templates = if cfg.templates == null then null else "${cfg.templates}";
  };

  # The command, with this appliance's socket.
  command = pkgs.writeShellScriptBin "bootstead" ''
    export BOOTSTEAD_SOCKET="''${BOOTSTEAD_SOCKET:-${directory}/bootstead.sock}"
    exec ${cfg.program} "$@"
  '';
in
{
  options.bootstead.roles.provisioner = {
    enable = lib.mkEnableOption "the appliance that installs machines over the network";

    package = mkOption {
      type = types.nullOr types.package;
      default = null;
      example = lib.literalExpression "my-packages.bootstead";
      description = "A package with `bin/bootstead`. Without one, `program` names the executable.";
    };

    program = mkOption {
      type = types.nullOr (types.strMatching "/[^ \n]+");
      default = if cfg.package == null then null else "${cfg.package}/bin/bootstead";
      defaultText = lib.literalMD "the package's";
      example = "/opt/bootstead/bootstead";
      description = ''
        The executable. One that was built on another Linux finds its libraries by nix-ld, and Swift's own beside itself.
      '';
    };

    interfaces = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z][A-Za-z0-9._-]{0,14}");
      default = [ ];
      example = [ "enp3s0" ];
      description = "Where machines are answered; each has an IPv4 address. At least one. The firewall is opened on these alone.";
    };

    httpPort = mkOption {
      type = types.port;
      default = 8080;
      description = "The port of boot files, closures and agents.";
    };

    stateDirectory = mkOption {
      type = types.strMatching "[a-z][a-z0-9-]*";
      default = "bootstead-appliance";
      description = ''
        The folder below `/var/lib` with the registry, the keys, the closures and the images. It is not `bootstead`, where
        a node keeps its own key.
      '';
    };

    enrolment = mkOption {
      type = types.nullOr (
        types.enum [
          "closed"
          "inventory"
          "automatic"
        ]
      );
      default = null;
      example = "inventory";
      description = "What unknown machines get, set anew at each start. Null: what `bootstead enrolment` last set.";
    };

    consoles = mkOption {
      type = types.listOf (types.strMatching "[A-Za-z0-9,]+");
      default = [ "ttyS0,115200" ];
      description = "Consoles of the installer's kernel, beside the screen.";
    };

    loaders = mkOption {
      type = types.listOf types.path;
      default =
        lib.optional pkgs.stdenv.hostPlatform.isx86_64 loaders.x86 ++ lib.optional cfg.armLoaders loaders.arm;
      defaultText = lib.literalMD "iPXE of Nixpkgs, for the machines that it can be compiled for here";
      description = ''
        Folders with iPXE under the names that `bootstead loader list` shows. On an ARM machine those for x86 are to be
        given, here or by `bootstead loader add`.
      '';
    };

    armLoaders = mkOption {
      type = types.bool;
      default = pkgs.stdenv.hostPlatform.isAarch64;
      defaultText = lib.literalMD "whether this is an ARM machine";
      description = "Whether iPXE for ARM machines is compiled too.";
    };

    agent = mkOption {
      type = types.nullOr types.str;
      default = if config.bootstead.agent.package == null then null else config.bootstead.agent.program;
      defaultText = lib.literalMD "this machine's own agent, where it is a package";
      description = "The static agent that running machines are taken over with. Null: the one beside the program.";
    };

    templates = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./bootstead/templates";
      description = "The folder with the NixOS modules. Null: the one that comes with the program.";
    };

    takeoverWatchdog = mkOption {
      type = types.ints.between 30 86400;
      default = 300;
      description = "After how many seconds a machine that was taken over and reaches nobody goes back to its old system.";
    };

    remoteBuilders = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether `bootstead build` may name builders of its own. Nix lets only its trusted users do that, and they are as
        good as root on this machine.
      '';
    };

    logLevel = mkOption {
      type = types.enum [
        "trace"
        "debug"
        "info"
        "warning"
        "error"
      ];
      default = "info";
      description = "The least that goes to the journal.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.interfaces != [ ];
        message = "bootstead.roles.provisioner.interfaces: name an interface that machines are answered on.";
      }
      {
        assertion = lib.allUnique cfg.interfaces;
        message = "bootstead.roles.provisioner.interfaces: an interface is listed twice.";
      }
      {
        assertion = cfg.program != null;
        message = "bootstead.roles.provisioner.program: give the path of the executable, or a package with bin/bootstead.";
      }
      {
        assertion = cfg.stateDirectory != "bootstead";
        message = "bootstead.roles.provisioner.stateDirectory: /var/lib/bootstead is this machine's own as a node; take another name.";
      }
    ];

    users.users.bootstead = {
      isSystemUser = true;
      group = "bootstead";
      home = directory;
    };
    users.groups.bootstead = { };
    nix.settings = {
      # The role base-hardened lets administrators alone use Nix.
      allowed-users = lib.mkIf config.bootstead.roles.base-hardened.enable [ "bootstead" ];
      trusted-users = lib.mkIf cfg.remoteBuilders [
        "root"
        "bootstead"
      ];
    };

    programs.nix-ld = lib.mkIf (cfg.package == null) {
      enable = true;
      libraries = [
        pkgs.sqlite
        pkgs.stdenv.cc.cc
        pkgs.xz
        pkgs.zstd
      ];
    };
    environment.systemPackages = lib.mkIf (cfg.program != null) [ command ];

    networking.firewall.interfaces = lib.genAttrs cfg.interfaces (_: {
      # DHCP, what other boot servers of the network offer, TFTP, and the boot server's own port.
      allowedUDPPorts = [
        67
        68
        69
        4011
      ];
      allowedTCPPorts = [ cfg.httpPort ];
    });

    systemd.services.bootstead-appliance = lib.mkIf (cfg.program != null) {
      description = "Bootstead appliance";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      # For `bootstead build` and exported flakes.
      path = [
        config.nix.package
        pkgs.gnutar
      ];
      environment = {
        HOME = directory;
        XDG_CACHE_HOME = "/var/cache/${cfg.stateDirectory}";
      };
      unitConfig.AssertFileIsExecutable = cfg.program;
      # An interface may get its address later.
      startLimitIntervalSec = 0;
      serviceConfig = {
        ExecStart = "${cfg.program} serve ${arguments}";
        Type = "exec";
        Restart = "on-failure";
        RestartSec = 10;
        User = "bootstead";
        Group = "bootstead";
        StateDirectory = cfg.stateDirectory;
        StateDirectoryMode = "0700";
        CacheDirectory = cfg.stateDirectory;
        CacheDirectoryMode = "0700";
        UMask = "0077";
        # Ports below 1024, and sockets that belong to one interface.
        AmbientCapabilities = [
          "CAP_NET_BIND_SERVICE"
          "CAP_NET_RAW"
        ];
        CapabilityBoundingSet = [
          "CAP_NET_BIND_SERVICE"
          "CAP_NET_RAW"
        ];
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_NETLINK"
          "AF_UNIX"
        ];
        LockPersonality = true;
        MemoryDenyWriteExecute = true;
        NoNewPrivileges = true;
        PrivateDevices = true;
        PrivateTmp = true;
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHome = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProtectSystem = "strict";
        RemoveIPC = true;
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallErrorNumber = "EPERM";
        SystemCallFilter = [
          "@system-service"
          "~@privileged"
        ];
      };
    };
  };
}
