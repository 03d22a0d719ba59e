# The NixOS installer: a kernel and an initrd with its own Nix store, which run the same agent as the micro-installer, in
# the same way. It takes the same kernel command line and the same overlay archive; it only has Nix, and needs more memory.
{
  config,
  lib,
  pkgs,
  modulesPath,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.installer;
  systemd = "${config.boot.initrd.systemd.package}/lib/systemd/systemd";
in
{
  imports = [
    (modulesPath + "/installer/netboot/netboot.nix")
    (modulesPath + "/profiles/minimal.nix")
    ../agent.nix
    ./disks.nix
    ./run.nix
  ];

  options.bootstead.installer = {
    variant = mkOption {
      type = types.str;
      default = "NixOS installer";
      internal = true;
      description = "What the image calls itself on the screen.";
    };

    tools = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ pkgs.tcpdump ]";
      description = "Further programs in the image, for the rescue shell.";
    };
  };

  config = {
    hardware.enableAllHardware = true;
    hardware.enableRedistributableFirmware = true;
    boot.initrd.systemd.enable = true;
    boot.kernelParams = [
      "loglevel=4"
      "panic=30"
      # One in which a program waits for a disk for five minutes without any of it coming is no better.
      "hung_task_panic=1"
      "sysctl.kernel.hung_task_timeout_secs=300"
      # A first stage that fails restarts the machine, instead of waiting at a shell that nobody can use: after kexec it is
      # back in its old system then.
      "boot.panic_on_fail"
    ];
    # A machine is found by its addresses; until it is claimed it has this name, as in the micro-installer.
    networking.hostName = "bootstead-installer";
    system.nixos.variant_id = "installer";
    system.stateVersion = lib.mkDefault config.system.nixos.release;

    # The boot loader's command line is the same for both installers, so that what NixOS wants there (`init=`, `root=fstab`)
    # can not stand in it: the image knows it itself, and says it before anything of systemd reads the command line.
    system.build.netbootRamdisk = lib.mkForce (
      pkgs.makeInitrdNG {
        inherit (config.boot.initrd) compressor compressorArgs;
        prepend = [ "${config.system.build.initialRamdisk}/initrd" ];
        contents = [
          {
            source = config.system.build.squashfsStore;
            target = "/nix-store.squashfs";
          }
          {
            source = pkgs.writeText "command-line" "init=${config.system.build.toplevel}/init ${toString config.boot.kernelParams}\n";
            target = "/image-command-line";
          }
        ];
      }
    );
    boot.initrd.systemd = {
      contents."/init".source = lib.mkForce (
        pkgs.writeScript "init" (
          lib.replaceStrings [ "@SYSTEMD@" ] [ systemd ] (builtins.readFile ./init.sh)
        )
      );
      storePaths = [ systemd ];
    };

    # The overlay of this boot was laid into the initrd's root by the boot loader. /run is carried over into the system.
    boot.initrd.systemd.services.bootstead-overlay = {
      description = "Carry the appliance's overlay over into the system";
      unitConfig = {
        DefaultDependencies = false;
        ConditionPathIsDirectory = "/etc/bootstead";
      };
      requiredBy = [ "initrd.target" ];
      before = [
        "initrd.target"
        "initrd-switch-root.target"
        "shutdown.target"
      ];
      conflicts = [ "shutdown.target" ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
      };
      script = ''
        mkdir -p /run/bootstead
        cp --recursive /etc/bootstead /run/bootstead/overlay
      '';
    };
    systemd.tmpfiles.rules = [ "L+ /etc/bootstead - - - - /run/bootstead/overlay" ];

    # What `nixos-install --flake` needs, from this image alone or with the appliance's cache.
    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    environment.systemPackages = cfg.tools;

    # What the appliance serves: `bootstead image add`.
    system.build.bootsteadImage = pkgs.linkFarm "bootstead-installer" [
      {
        name = "kernel";
        path = "${config.system.build.kernel}/${config.system.boot.loader.kernelFile}";
      }
      {
        name = "initrd";
        path = "${config.system.build.netbootRamdisk}/initrd";
      }
    ];
  };
}
