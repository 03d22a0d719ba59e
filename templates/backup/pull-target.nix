# Lets another machine fetch copies, and nothing else: a user whose key runs rsync in one folder, reading only.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.pull-target;
  # As root, because files belong to the containers' users; rrsync lets only rsync through, reading, below the folder.
  fetch = pkgs.writeShellScript "bootstead-pull" ''
    exec ${pkgs.rrsync}/bin/rrsync -ro ${cfg.directory}
  '';
in
{
  options.bootstead.backup.pull-target = {
    enable = lib.mkEnableOption "a read-only account that another machine fetches copies with";
    user = mkOption {
      type = types.strMatching "[a-z_][a-z0-9_-]{0,30}";
      default = "backup-pull";
      description = "The account's name.";
    };
    directory = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv";
      description = "The folder that may be read.";
    };
    authorizedKeys = mkOption {
      type = types.nonEmptyListOf (types.strMatching "(ssh|ecdsa|sk)-[^\n]+");
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample pull@nas" ];
      description = "Public SSH keys of who fetches.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.others.pull-target = {
      tier = 3;
      units = [ ];
      scope.paths = [ cfg.directory ];
    };
    users.users.${cfg.user} = {
      isSystemUser = true;
      group = cfg.user;
      shell = pkgs.bashInteractive;
      openssh.authorizedKeys.keys = map (
        key: ''restrict,command="/run/wrappers/bin/sudo --preserve-env=SSH_ORIGINAL_COMMAND ${fetch}" ${key}''
      ) cfg.authorizedKeys;
    };
    users.groups.${cfg.user} = { };
    security.sudo.extraRules = [
      {
        users = [ cfg.user ];
        commands = [
          {
            command = toString fetch;
            options = [
              "NOPASSWD"
              "SETENV"
            ];
          }
        ];
      }
    ];
  };
}
