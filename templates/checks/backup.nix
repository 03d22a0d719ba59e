# Every backup design.
{ base, ... }:
let
  withBackup =
    backup:
    base.thin
    // {
      roles = [ "docker-host" ];
      stacks = [
        "photos"
        "git"
      ];
      settings = {
        inherit backup;
      };
    };
  repositories = {
    borg = {
      type = "borg";
      url = "ssh://checked@192.0.2.30/./checked";
      sshKey = "secret:borg-key";
    };
    rest = {
      type = "restic";
      url = "rest:https://rest.example.com/checked/";
      passphrase = "secret:restic-passphrase";
      environment = {
        RESTIC_REST_USERNAME = "secret:rest-user";
        RESTIC_REST_PASSWORD = "secret:rest-password";
      };
    };
    nas = {
      type = "rsync";
      url = "backup@192.0.2.20:/backups/checked";
      sshKey = "secret:mirror-key";
    };
    pbs = {
      type = "pbs";
      url = "backup@pbs!checked@192.0.2.40:store";
      environment.PBS_PASSWORD = "secret:pbs-password";
    };
  };
  pool = {
    storage.zfs.pools.tank = {
      mode = "mirror";
      members = [
        "/dev/disk/by-id/ata-Example_1"
        "/dev/disk/by-id/ata-Example_2"
      ];
    };
  };
in
{
  "backup/borg-per-service".machine = withBackup {
    inherit repositories;
    ping = "secret:ping";
    pings = {
      borg-per-service = "secret:ping-borg";
      test-restore = "secret:ping-test-restore";
    };
    borg-per-service = {
      enable = true;
      repository = "borg";
      passphrases.photos = "secret:photos-passphrase";
      stackRetention.photos.yearly = 5;
    };
  };
  "backup/restic-rest".machine = withBackup {
    inherit repositories;
    restic-rest = {
      enable = true;
      repository = "rest";
    };
  };
  "backup/b2-offsite".machine = withBackup {
    b2-offsite = {
      enable = true;
      url = "s3:https://s3.example.com/bucket";
    };
  };
  "backup/rsync-mirror".machine = withBackup {
    inherit repositories;
    rsync-mirror = {
      enable = true;
      repository = "nas";
    };
  };
  "backup/db-dump".machine = withBackup { db-dump.enable = true; };
  "backup/stack-snapshots".machine = withBackup {
    stack-snapshots = {
      enable = true;
      stackRetention.photos.last = 24;
    };
  };
  "backup/zfs-snapshots".machine = base.thin // {
    settings = pool // {
      backup.zfs-snapshots.enable = true;
    };
  };
  "backup/zfs-replication".machine = base.thin // {
    settings = pool // {
      backup.zfs-replication = {
        enable = true;
        targets.tank = {
          source = "tank";
          target = "syncoid@192.0.2.20:backup/tank";
          sshKey = "secret:syncoid-key";
        };
      };
    };
  };
  "backup/pbs".machine = withBackup {
    inherit repositories;
    pbs = {
      enable = true;
      repository = "pbs";
    };
  };
  "backup/vm-image".machine = base.thin // {
    roles = [ "hypervisor" ];
    settings.backup.vm-image = {
      enable = true;
      machines = [ "services" ];
    };
  };
  "backup/pull-target".machine = withBackup {
    pull-target = {
      enable = true;
      authorizedKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample pull@nas" ];
    };
  };
  "backup/cold-copy".machine = withBackup {
    cold-copy = {
      enable = true;
      device = "/dev/disk/by-id/usb-Example_Drawer_Disk_42-0:0-part1";
    };
  };
  "agent/timer".machine = base.withSettings { agent.report.mode = "timer"; };
  "agent/executable" = {
    machine = base.thin;
    modules = [ { bootstead.agent.executable = ./machine.nix; } ];
  };
  # By hand.
  "stacks/compiled" = {
    machine = builtins.fromJSON (builtins.readFile ./exported/machines/checked.json);
    modules = [
      {
        bootstead.stacks = {
          compiled = ./exported/stacks/checked.json;
          own.wiki = ./exported/stacks/wiki;
        };
      }
    ];
  };
  # A flake as the appliance exports it: the set that it compiled, and an own stack.
  "stacks/exported" = {
    machine = builtins.fromJSON (builtins.readFile ./exported/machines/checked.json);
    root = ./exported;
    modules = [
      (
        { config, ... }:
        {
          assertions = [
            {
              assertion =
                config.bootstead.stacks.compiled == ./exported/stacks/checked.json
                && config.systemd.services ? bootstead-stacks
                && config.systemd.services ? bootstead-storage-scrub
                && config.systemd.services.bootstead-stacks.unitConfig.WantsMountsFor == [ "/srv/appdata/wiki" ]
                && config.bootstead.secrets.wiki-session-key.owner == "1000:1000"
                && config.systemd.services.bootstead-secrets.requiredBy == [ ]
                && config.systemd.services.bootstead-secrets.before == [ "bootstead-stacks.service" ];
              message = "the exported stacks are not what the machine starts";
            }
          ];
        }
      )
    ];
  };
  "stacks/own" = {
    machine = base.thin // {
      roles = [ "docker-host" ];
      stacks = [ "wiki" ];
    };
    modules = [ { bootstead.stacks.own.wiki = ./broken; } ];
  };
}
