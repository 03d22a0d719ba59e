# A machine that keeps others' backups, and gives nobody who writes them a way to delete them.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.backup-target;
  publicKey = types.strMatching "(ssh|ecdsa|sk)-[^\n]+";
in
{
  options.bootstead.roles.backup-target = {
    enable = lib.mkEnableOption "a place for other machines' backups";

    root = mkOption {
      type = types.path;
      default = "/srv/backups";
      description = "Where all of it lies.";
    };

    restic = {
      enable = lib.mkEnableOption "a REST server for restic and k8up, append-only";

      port = mkOption {
        type = types.port;
        default = 8000;
        description = "Where it answers.";
      };

      clients = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "192.0.2.0/24" ];
        description = "The networks that may reach it. What is sent is encrypted by restic; the login is not, without TLS.";
      };

      secret = mkOption {
        type = bootsteadLib.secretReference;
        default = "secret:restic-htpasswd";
        description = "The secret with the logins, in htpasswd's format (bcrypt). Each user has a folder of the same name.";
      };
    };

    borg = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            appendKeys = mkOption {
              type = types.listOf publicKey;
              default = [ ];
              description = "Public keys that add archives and can not remove any. A machine's own key belongs here.";
            };

            fullKeys = mkOption {
              type = types.listOf publicKey;
              default = [ ];
              description = "Public keys that may prune. They belong on no machine that is backed up.";
            };

            quota = mkOption {
              type = types.nullOr (types.strMatching "[0-9]+(\\.[0-9]+)?[KMGTP]?");
              default = null;
              example = "500G";
              description = "How much the repository may hold.";
            };

            subRepositories = mkOption {
              type = types.bool;
              default = true;
              description = "One repository for each stack below this one.";
            };
          };
        }
      );
      default = { };
      example = lib.literalExpression ''
        {
          node1.appendKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample backup@node1" ];
        }
      '';
      description = "Borg repositories, by machine. A client writes to `borg@HOST:STACK`.";
    };

    mirror = {
      enable = lib.mkEnableOption "an account that machines send mirrors to by rsync over SSH";

      keys = mkOption {
        type = types.attrsOf publicKey;
        default = { };
        example = {
          node1 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample backup@node1";
        };
        description = "For each machine the key that may write below `ROOT/mirror/MACHINE`, and nowhere else.";
      };
    };

    pull = {
      enable = lib.mkEnableOption "an account that reads all backups and writes nothing, for a machine that fetches them";

      keys = mkOption {
        type = types.listOf publicKey;
        default = [ ];
        description = "Public keys of machines that fetch by rsync over SSH.";
      };

      from = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "192.0.2.20" ];
        description = "Addresses that these keys are good from. Empty: all.";
      };

      daemon = mkOption {
        type = types.bool;
        default = false;
        description = ''
          Offer the same by an rsync daemon, for devices that can not do SSH; read-only, with a password, to the addresses
          of `from`. It is not encrypted.
        '';
      };

      secret = mkOption {
        type = bootsteadLib.secretReference;
        default = "secret:rsync-pull";
        description = "The secret with the daemon's login, a line `pull:PASSWORD`.";
      };
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        systemd.tmpfiles.rules = [ "d ${cfg.root} 0755 root root - -" ];
      }

      (lib.mkIf cfg.restic.enable {
        bootstead.secrets.${bootsteadLib.secretName cfg.restic.secret} = {
          owner = "restic";
          units = [ "restic-rest-server.service" ];
        };
        services.restic.server = {
          enable = true;
          dataDir = "${cfg.root}/restic";
          listenAddress = toString cfg.restic.port;
          appendOnly = true;
          privateRepos = true;
          htpasswd-file = bootsteadLib.secretPath cfg.restic.secret;
        };
        networking.firewall = import ../lib/firewall.nix { inherit lib config; } {
          from = cfg.restic.clients;
          tcp = [ cfg.restic.port ];
        };
      })

      {
        services.borgbackup.repos = lib.mapAttrs (name: repository: {
          path = "${cfg.root}/borg/${name}";
          authorizedKeysAppendOnly = repository.appendKeys;
          authorizedKeys = repository.fullKeys;
          allowSubRepos = repository.subRepositories;
          inherit (repository) quota;
        }) cfg.borg;
        assertions = lib.mapAttrsToList (name: repository: {
          assertion = lib.intersectLists repository.appendKeys repository.fullKeys == [ ];
          message = "bootstead.roles.backup-target.borg.${name}: a key is in appendKeys and in fullKeys; whoever has it could delete. Take it out of one.";
        }) cfg.borg;
      }

      (lib.mkIf cfg.mirror.enable {
        users.groups.mirror = { };
        users.users.mirror = {
          isSystemUser = true;
          group = "mirror";
          home = "${cfg.root}/mirror";
          shell = pkgs.bashInteractive;
          openssh.authorizedKeys.keys = lib.mapAttrsToList (
            machine: key:
            "restrict,command=\"${pkgs.rrsync}/bin/rrsync -wo ${cfg.root}/mirror/${machine}\" ${key}"
          ) cfg.mirror.keys;
        };
        systemd.tmpfiles.rules = [
          "d ${cfg.root}/mirror 0750 mirror mirror - -"
        ]
        ++ map (machine: "d ${cfg.root}/mirror/${machine} 0750 mirror mirror - -") (
          lib.attrNames cfg.mirror.keys
        );
      })

      (lib.mkIf cfg.pull.enable {
        users.groups.pull = { };
        users.users.pull = {
          isSystemUser = true;
          group = "pull";
          home = "/var/empty";
          shell = pkgs.bashInteractive;
          openssh.authorizedKeys.keys = map (
            key:
            "restrict,${
              lib.optionalString (cfg.pull.from != [ ]) "from=\"${lib.concatStringsSep "," cfg.pull.from}\","
            }command=\"/run/wrappers/bin/bootstead-pull\" ${key}"
          ) cfg.pull.keys;
        };

        # Reads every file, whoever owns it; rrsync lets nothing be written, and nothing outside of the folder be read.
        security.wrappers.bootstead-pull = {
          owner = "root";
          group = "pull";
          permissions = "u+rx,g+x";
          capabilities = "cap_dac_read_search+ep";
          source = lib.getExe (
            pkgs.writeShellApplication {
              name = "bootstead-pull";
              text = "exec ${lib.getExe pkgs.rrsync} -ro ${cfg.root}";
            }
          );
        };

        bootstead.secrets = lib.mkIf cfg.pull.daemon {
          ${bootsteadLib.secretName cfg.pull.secret}.units = [ "rsync.service" ];
        };
        services.rsyncd = lib.mkIf cfg.pull.daemon {
          enable = true;
          settings.sections.backups = {
            path = cfg.root;
            "read only" = true;
            list = false;
            uid = "root";
            gid = "root";
            "use chroot" = true;
            "auth users" = "pull";
            "secrets file" = bootsteadLib.secretPath cfg.pull.secret;
            "hosts allow" = lib.concatStringsSep " " cfg.pull.from;
            "hosts deny" = "*";
          };
        };
        networking.firewall = lib.mkIf cfg.pull.daemon (
          import ../lib/firewall.nix { inherit lib config; } {
            inherit (cfg.pull) from;
            tcp = [ 873 ];
          }
        );
        assertions = [
          {
            assertion = cfg.pull.daemon -> cfg.pull.from != [ ];
            message = "bootstead.roles.backup-target.pull.from: the rsync daemon is for named addresses only; name them.";
          }
        ];
      })
    ]
  );
}
