# The part of the role "nas" that ends machines in order when the power fails.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.nas;
in
{
  options.bootstead.roles.nas.ups = {
    enable = lib.mkEnableOption "a UPS on this machine, which others may ask too";

    driver = mkOption {
      type = types.str;
      default = "usbhid-ups";
      description = "The driver of Network UPS Tools.";
    };

    port = mkOption {
      type = types.str;
      default = "auto";
      description = "Where the UPS is; `auto` for USB.";
    };

    secret = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:ups-password";
      description = "The secret with the password of `upsmon`, here and on the machines that ask.";
    };

    clients = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.11" ];
      description = "Machines that shut down by this UPS, before this machine does.";
    };
  };

  config = lib.mkIf (cfg.enable && cfg.ups.enable) {
    bootstead.secrets.${bootsteadLib.secretName cfg.ups.secret}.units = [
      "upsd.service"
      "upsmon.service"
    ];
    power.ups = {
      enable = true;
      mode = if cfg.ups.clients == [ ] then "standalone" else "netserver";
      ups.main = {
        inherit (cfg.ups) driver port;
        description = "UPS of ${config.networking.hostName}";
      };
      upsd.listen = [
        { address = if cfg.ups.clients == [ ] then "127.0.0.1" else "0.0.0.0"; }
      ];
      users.upsmon = {
        passwordFile = bootsteadLib.secretPath cfg.ups.secret;
        upsmon = "primary";
      };
      # Machines that follow.
      users.follower = lib.mkIf (cfg.ups.clients != [ ]) {
        passwordFile = bootsteadLib.secretPath cfg.ups.secret;
        upsmon = "secondary";
      };
      upsmon.monitor.main = {
        user = "upsmon";
        type = "primary";
      };
    };
    networking.firewall = import ../lib/firewall.nix { inherit lib config; } {
      from = cfg.ups.clients;
      tcp = [ 3493 ];
    };
  };
}
