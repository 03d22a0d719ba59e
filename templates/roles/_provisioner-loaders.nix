# iPXE by the file names that the appliance looks for. Those with "undionly" and "snponly" use the firmware's own network
# driver, and are its first choice.
pkgs: {
  # Compiled on x86 alone.
  x86 = pkgs.ipxe.override {
    additionalTargets = {
      "bin/ipxe.pxe" = null;
      "bin/undionly.kkpxe" = null;
      "bin-x86_64-efi/snponly.efi" = null;
    };
  };

  arm =
    (if pkgs.stdenv.hostPlatform.isAarch64 then pkgs else pkgs.pkgsCross.aarch64-multiplatform).ipxe.override
      {
        additionalTargets = {
          "bin-arm64-efi/ipxe.efi" = "ipxe-arm64.efi";
          "bin-arm64-efi/snponly.efi" = "snponly-arm64.efi";
        };
      };
}
