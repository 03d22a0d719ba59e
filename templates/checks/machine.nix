# A machine for the checks: small, complete, and changed by each case.
{ lib }:
let
  gibibyte = 1024 * 1024 * 1024;
  plain = {
    schema = 1;
    name = "checked";
    identifier = "0b7f3c52-5d0e-4d0f-9d7e-2f1f6a0c9e11";
    system = "x86_64-linux";
    stateVersion = "26.05";
    addresses = [
      "52:54:00:12:34:56"
      "52:54:00:12:34:57"
    ];
    firmware = "both";
    bootDisk = "/dev/disk/by-id/virtio-checked";
    bootDiskSize = 128 * gibibyte;
    fileSystems = [
      {
        mountPoint = "/";
        device = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000003";
        type = "ext4";
        label = "bootstead-root";
        options = [ "noatime" ];
        size = 25 * gibibyte;
      }
      {
        mountPoint = "/boot";
        device = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000002";
        type = "vfat";
        label = "BOOTSTEAD";
        options = [ "umask=0077" ];
        size = gibibyte;
      }
    ];
    administrator = {
      name = "admin";
      authorizedKeys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@example.com" ];
    };
    appliance = {
      url = "http://192.0.2.2:8080";
      cacheKey = "appliance-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    };
    roles = [ ];
    stacks = [ ];
    settings = { };
  };
in
rec {
  inherit gibibyte plain;

  # With a thin pool, as the installer makes it.
  thin = plain // {
    thinPool = {
      volumeGroup = "data";
      pool = "pool";
      autoextendThreshold = 80;
      autoextendPercent = 20;
      size = 96 * gibibyte;
    };
  };

  volume = name: size: {
    mountPoint = "/srv/${name}";
    device = "/dev/data/${name}";
    type = "ext4";
    label = name;
    options = [
      "noatime"
      "nofail"
    ];
    size = size * gibibyte;
  };

  onSystem =
    system: machine:
    machine
    // {
      inherit system;
      firmware = if lib.hasPrefix "aarch64" system then "uefi" else machine.firmware;
    };

  withSettings = settings: thin // { inherit settings; };
  withNetwork = interfaces: thin // { network = { inherit interfaces; }; };
}
