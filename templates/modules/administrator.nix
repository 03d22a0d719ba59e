# The one person that a machine lets in.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.machine.administrator;
in
{
  options.bootstead.machine.administrator = {
    name = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]{0,30}";
      default = "admin";
      example = "runner";
      description = "The administrator's user name. This user may use `sudo`; nobody logs in as root.";
    };

    authorizedKeys = mkOption {
      type = types.listOf (types.strMatching "(ssh|ecdsa|sk)-[^\n]+");
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@laptop" ];
      description = "Public SSH keys of the administrator. Without one, only the console and the agent reach the machine.";
    };
  };

  config = {
    users.mutableUsers = lib.mkDefault false;
    # Somebody without a password comes in by key; a machine without any key is kept by its appliance.
    users.allowNoPasswordLogin = true;
    users.users.${cfg.name} = {
      isNormalUser = true;
      extraGroups = [ "wheel" ];
      openssh.authorizedKeys.keys = cfg.authorizedKeys;
    };
    # The administrator has a key and no password to ask for.
    security.sudo.wheelNeedsPassword = lib.mkDefault false;
    services.openssh = {
      enable = lib.mkDefault true;
      settings = {
        PermitRootLogin = lib.mkDefault "no";
        PasswordAuthentication = lib.mkDefault false;
        KbdInteractiveAuthentication = lib.mkDefault false;
      };
    };
  };
}
