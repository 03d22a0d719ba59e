# One volume group with a thin pool, behind the system or on a disk of its own: what the installer makes.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (config.bootstead.storage) declared thinPool poolAlarm;
  isGolden = lib.elem "golden" config.bootstead.enabledRoles;

  checkPool = pkgs.writeShellApplication {
    name = "bootstead-check-pool";
    runtimeInputs = [ config.services.lvm.package ];
    text = ''
      pool=${lib.escapeShellArg "${declared.lvm.volumeGroup}/${declared.lvm.pool}"}
      read -r data metadata < <(lvs --noheadings --options data_percent,metadata_percent "$pool")
      if [ -z "$metadata" ]; then
        echo "the thin pool $pool is not active" >&2
        exit 1
      fi
      failed=0
      for use in "data $data" "metadata $metadata"; do
        percent=''${use#* }
        if [ "''${percent%%[.,]*}" -ge ${toString poolAlarm} ]; then
          echo "the thin pool $pool: its ''${use%% *} is $percent % full; make room, or give the volume group another disk" >&2
          failed=1
        fi
      done
      exit "$failed"
    '';
  };
in
{
  options.bootstead.storage.poolAlarm = lib.mkOption {
    type = lib.types.ints.between 50 99;
    default = 80;
    description = ''
      Percent of the thin pool's data or metadata at which `bootstead-check-pool.service`, which runs hourly, fails. A pool
      that could be extended is below it again.
    '';
  };

  config = lib.mkIf (thinPool != null) {
    assertions = [
      {
        assertion = config.bootstead.storage.layout != "os-only";
        message = "bootstead.storage.layout: \"os-only\" has no thin pool, and bootstead.storage.thinPool is set.";
      }
    ];
    services.lvm = {
      enable = true;
      # The pool's tools belong into the initrd: without them no thin volume is activated.
      boot.thin.enable = true;
      # Grows the pool before it is full.
      dmeventd.enable = true;
    };
    environment.etc."lvm/lvm.conf".text = declared.lvmConfiguration;

    # Where the pool is left inactive there is nothing to see.
    systemd.services.bootstead-check-pool = lib.mkIf (!isGolden) {
      description = "See whether the thin pool fills up";
      startAt = "hourly";
      serviceConfig = {
        Type = "oneshot";
        ExecStart = lib.getExe checkPool;
      };
    };
  };
}
