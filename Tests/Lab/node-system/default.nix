# The lab's node system. `parts` is a folder that `build` fills with files of Debian packages, `agent` the static agent.
{ parts, agent, version }:
let
  part = name: builtins.path { path = parts + "/${name}"; inherit name; };
  script = name: builtins.path { path = ./. + "/${name}"; inherit name; };
  tools = part "tools";

  # One derivation: `text` runs in busybox's shell with the variables of `attributes`.
  run = name: attributes: text: derivation (attributes // {
    inherit name tools;
    system = "x86_64-linux";
    builder = "${tools}/bin/busybox";
    args = [ "ash" "-euc" ''
      $tools/bin/busybox mkdir -p $NIX_BUILD_TOP/bin
      $tools/bin/busybox --install -s $NIX_BUILD_TOP/bin
      export PATH=$NIX_BUILD_TOP/bin
      tool() { program=$1; shift; $tools/lib/ld-linux-x86-64.so.2 --library-path $tools/lib $tools/bin/$program "$@"; }
      substitute() {
        from=$1 to=$2; shift 2
        cp $from $to; chmod u+w $to
        sed -i "1s|^#!.*|#!$busybox/bin/sh|" $to
        for pair in "$@"; do sed -i "s|@''${pair%%=*}@|''${pair#*=}|g" $to; done
      }
      umask 022
      ${text}
    '' ];
  });

  glibc = run "glibc-${version.libc6}" { source = part "glibc"; } ''
    mkdir -p $out
    cp -r $source/lib $out/lib
    chmod -R u+w $out
    for library in $out/lib/*; do
      case $library in */ld-linux*|*/libc.so.6) ;; *) tool patchelf --set-rpath $out/lib $library ;; esac
    done
  '';

  libraries = run "debian-libraries-12" { source = part "libraries"; inherit glibc; } ''
    mkdir -p $out
    cp -r $source/lib $out/lib
    chmod -R u+w $out
    for library in $out/lib/*; do tool patchelf --set-rpath $glibc/lib:$out/lib $library; done
  '';

  # Programs of one Debian package, made to find glibc and libraries in the store.
  programs = name: run "${name}-${version.${name}}" { source = part name; inherit glibc libraries; } ''
    mkdir -p $out
    cp -r $source/. $out/
    chmod -R u+w $out
    for folder in $out/bin $out/lib/udev; do
      [ -d $folder ] || continue
      for program in $folder/*; do
        [ -f $program ] && [ ! -L $program ] || continue
        tool patchelf --set-interpreter $glibc/lib/ld-linux-x86-64.so.2 --set-rpath $glibc/lib:$libraries/lib $program
      done
    done
  '';
  dosfstools = programs "dosfstools";
  e2fsprogs = programs "e2fsprogs";
  grub = programs "grub";
  jq = programs "jq";
  kmod = programs "kmod";
  lvm2 = programs "lvm2";
  thinTools = programs "thin-provisioning-tools";
  udev = programs "udev";
  utilLinux = programs "util-linux";
  xfsprogs = programs "xfsprogs";

  busybox = run "busybox-${version.busybox}" { } ''
    mkdir -p $out/bin
    cp $tools/bin/busybox $out/bin/busybox
    for name in $($out/bin/busybox --list); do [ -e $out/bin/$name ] || ln -s busybox $out/bin/$name; done
  '';

  kernel = run "linux-${version.linux}" { source = part "kernel"; } ''
    mkdir -p $out
    cp $source/bzImage $out/bzImage
  '';

  modules = run "linux-${version.linux}-modules" { source = part "modules"; } ''
    mkdir -p $out
    cp -r $source/. $out/
  '';

  nodeAgent = run "bootstead-agent-${version.agent}" { source = builtins.path { path = agent; name = "bootstead-agent"; }; } ''
    mkdir -p $out/bin
    cp $source $out/bin/bootstead-agent
    chmod 0555 $out/bin/bootstead-agent
  '';

  initrd = run "initrd-linux-${version.linux}" { inherit modules; source = part "stage-1"; stage = script "stage-1.sh"; } ''
    mkdir -p root/bin root/proc root/sys root/dev root/run root/mnt-root $out
    cp -r $source/. root/
    chmod -R u+w root
    mkdir -p root/lib
    cp -r $modules/lib/modules root/lib/modules
    cp $tools/bin/busybox root/bin/busybox
    cp $stage root/init
    chmod 0755 root/init
    find root -exec touch -h -d "1970-01-01 00:00:01" {} +
    (cd root && find . | sort | tool cpio --create --format=newc --reproducible --owner=0:0 --quiet) >initrd.cpio
    tool zstd -q -12 initrd.cpio -o $out/initrd
  '';

  sw = run "system-path" {
    inherit busybox;
    first = [ dosfstools e2fsprogs grub jq kmod lvm2 thinTools udev utilLinux xfsprogs nodeAgent ];
  } ''
    mkdir -p $out/bin
    for package in $first; do for program in $package/bin/*; do ln -s $program $out/bin/; done; done
    for program in $busybox/bin/*; do [ -e $out/bin/''${program##*/} ] || ln -s $program $out/bin/; done
  '';

  etc = run "etc" { source = part "etc"; inherit sw udev thinTools; } ''
    mkdir -p $out
    cp -r $source $out/etc
    chmod -R u+w $out/etc
    sed -i "s|@thinTools@|$thinTools|" $out/etc/lvm/lvm.conf
  '';

  activate = run "activate" { inherit busybox etc modules udev sw; text = script "activate.sh"; } ''
    substitute $text $out busybox=$busybox etc=$etc modules=$modules udev=$udev sw=$sw
    chmod 0555 $out
  '';

  stage2 = run "stage-2" { inherit busybox sw; text = script "stage-2.sh"; dhcp = script "udhcpc.sh"; } ''
    mkdir $out
    substitute $dhcp $out/udhcpc busybox=$busybox sw=$sw
    substitute $text $out/init busybox=$busybox sw=$sw stage2=$out
    chmod 0555 $out/init $out/udhcpc
  '';

  bootloader = run "install-grub" { inherit busybox grub sw; text = script "switch-to-configuration.sh"; } ''
    substitute $text $out busybox=$busybox grub=$grub sw=$sw variant=${version.variant}
    chmod 0555 $out
  '';
in
run "nixos-system-bootstead-lab-${version.system}" {
  inherit kernel modules initrd sw etc activate stage2 bootloader busybox;
  label = "Bootstead lab ${version.system} (Linux ${version.linux})";
  inherit (version) system_version;
} ''
  mkdir -p $out/bin
  ln -s $kernel/bzImage $out/kernel
  ln -s $initrd/initrd $out/initrd
  ln -s $modules $out/kernel-modules
  ln -s $sw $out/sw
  ln -s $etc/etc $out/etc
  # On a busy host an emulated timer may be late, which the kernel takes for a broken one and panics.
  parameters="console=tty0 console=ttyS0,115200 loglevel=4 no_timer_check panic=30"
  printf '%s' "$parameters" >$out/kernel-params
  printf '%s' "$system_version" >$out/nixos-version
  printf 'x86_64-linux' >$out/system
  substitute $activate $out/activate out=$out
  substitute $stage2/init $out/init out=$out
  substitute $bootloader $out/bin/switch-to-configuration out=$out
  chmod 0555 $out/activate $out/init $out/bin/switch-to-configuration
  cat >$out/boot.json <<END
  {
    "org.nixos.bootspec.v1": {
      "init": "$out/init",
      "initrd": "$initrd/initrd",
      "kernel": "$kernel/bzImage",
      "kernelParams": ["console=tty0", "console=ttyS0,115200", "loglevel=4", "no_timer_check", "panic=30"],
      "label": "$label",
      "system": "x86_64-linux",
      "toplevel": "$out"
    },
    "org.nixos.specialisation.v1": {}
  }
  END
''
