//! Signed images: keys, signing, and the board's own check, as users run them; and the golden embedding of every export.

use std::path::Path;

use app::pattern::Pattern;
use format::Image;
use format::header::Section;
use host::sections::replaced;
use host::signing::{PublicKey, public_key, verify};
use host::simulator::{AlignedBytes, Simulator};
use nn::RowSource as _;
use serde_json::Value;
use suite::command::{EXPORT, fails, folder, is_wrong_use, succeeds, warns};
use suite::{join, sections_of, tiny_network, tiny_sections};
use tempfile::TempDir;

/// A folder with an image and a key `maker.key`, and the public key.
fn scene() -> (TempDir, String) {
    let folder = folder();
    succeeds(folder.path(), &EXPORT);
    let key = keygen(folder.path(), "maker.key");
    (folder, key)
}

/// Makes a key, and gives its public key.
fn keygen(folder: &Path, name: &str) -> String {
    let said: Value = serde_json::from_str(&succeeds(folder, &["keygen", name, "--json"])).unwrap();
    assert_eq!(said["file"], name);
    said["public_key"].as_str().unwrap().to_string()
}

const SIGN: [&str; 6] = ["sign", "image.geode", "--key", "maker.key", "--version", "7"];

#[test]
fn export_has_a_golden_crop_and_its_embedding() {
    let (folder, _) = scene();
    let path = folder.path().join("image.geode");
    let bytes = AlignedBytes::read(&path).unwrap();
    let image = bytes.image(&path).unwrap();
    let golden = image.golden.unwrap();
    let mut crop = vec![0; 40 * 24 * 3];
    assert_eq!(Pattern::new(1).row(0, &mut crop), Ok(()));
    assert_eq!(golden.crop, crop);
    assert_eq!(golden.embedding, Simulator::new(&image.embedder).unwrap().embed(&crop).unwrap());
    assert!(golden.embedding.iter().any(|&element| element != 0));
}

#[test]
fn signed_image_is_verified_and_works_as_before() {
    let (folder, key) = scene();
    let at = folder.path();
    let before = succeeds(at, &["simulate", "--aligned", "image.geode", "people/Ada/000.png", "--json"]);
    let unsigned = std::fs::read(at.join("image.geode")).unwrap();
    let said = fails(at, &["verify", "image.geode", "--key", &key]);
    assert!(said.contains("the image is not signed: sign it with `host sign`"), "{said}");
    assert!(succeeds(at, &["inspect", "image.geode"]).contains("not signed"));

    let said = succeeds(at, &[&SIGN[..], &["-o", "signed.geode"]].concat());
    assert!(said.contains("signed as version 7") && said.contains(&key), "{said}");
    assert_eq!(std::fs::read(at.join("image.geode")).unwrap(), unsigned);
    let verify = ["verify", "signed.geode", "--key", &key];
    assert!(succeeds(at, &verify).contains("version 7"));
    succeeds(at, &[&verify[..], &["--floor", "7"]].concat());
    let said = fails(at, &[&verify[..], &["--floor", "8"]].concat());
    assert!(said.contains("has version 7, and the board starts none below 8"), "{said}");
    let inspected = succeeds(at, &["inspect", "signed.geode"]);
    assert!(inspected.contains(&format!("signed as version 7 with the key {key}")), "{inspected}");
    let after = succeeds(at, &["simulate", "--aligned", "signed.geode", "people/Ada/000.png", "--json"]);
    assert_eq!(before, after);

    // In place, and again: the old signature is replaced, and nothing else changes.
    succeeds(at, &SIGN);
    let signed = std::fs::read(at.join("signed.geode")).unwrap();
    assert_eq!(std::fs::read(at.join("image.geode")).unwrap(), signed);
    let said = warns(at, &["sign", "image.geode", "--key", "maker.key", "--version", "6"]);
    assert!(said.contains("signed as version 7 before"), "{said}");
    succeeds(at, &SIGN);
    assert_eq!(std::fs::read(at.join("image.geode")).unwrap(), signed);
}

#[test]
fn images_of_other_keys_and_changed_images_are_refused_with_the_boards_words() {
    let (folder, key) = scene();
    let at = folder.path();
    let other = keygen(at, "other.key");
    succeeds(at, &SIGN);
    let said = fails(at, &["verify", "image.geode", "--key", &other]);
    assert!(said.contains(&format!("signed with the key {}…", &key[..8])), "{said}");
    assert!(said.contains(&format!("trusts {}… alone", &other[..8])), "{said}");

    // A section is changed, and the header's digests with it.
    let path = at.join("image.geode");
    let bytes = AlignedBytes::read(&path).unwrap();
    let image = bytes.image(&path).unwrap();
    let signature = image.signature.unwrap().emit();
    let changed = changed(&bytes);
    let forged = replaced(&changed, &[(Section::Signature, &signature)]).unwrap();
    std::fs::write(&path, forged).unwrap();
    let said = fails(at, &["verify", "image.geode", "--key", &key]);
    assert!(said.contains("not of this image and version"), "{said}");
    assert!(succeeds(at, &["inspect", "image.geode"]).contains("changed after signing"));

    // And without them.
    let mut damaged = bytes.bytes().to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&path, damaged).unwrap();
    assert!(fails(at, &["verify", "image.geode", "--key", &key]).contains("digest does not match"));
}

/// An image with one bit of its golden embedding changed.
fn changed(bytes: &AlignedBytes) -> Vec<u8> {
    let sections = format::header::parse(bytes.bytes()).unwrap();
    let mut golden = sections.get(Section::Golden).unwrap().to_vec();
    golden[16] ^= 1;
    replaced(bytes.bytes(), &[(Section::Golden, &golden)]).unwrap()
}

#[test]
fn what_a_board_could_not_keep_is_not_signed() {
    let (folder, _) = scene();
    let at = folder.path();
    let path = at.join("image.geode");
    let bytes = AlignedBytes::read(&path).unwrap();
    let wrong = changed(&bytes);
    std::fs::write(&path, &wrong).unwrap();
    assert!(fails(at, &SIGN).contains("its golden embedding is not its network's"));
    assert_eq!(std::fs::read(&path).unwrap(), wrong);
    std::fs::write(&path, join(&tiny_sections())).unwrap();
    assert!(fails(at, &SIGN).contains("the image has no golden embedding"));
    std::fs::write(&path, b"GEOD").unwrap();
    fails(at, &SIGN);
}

#[test]
fn changing_who_is_enrolled_ends_the_signature_and_says_so() {
    let (folder, key) = scene();
    let at = folder.path();
    succeeds(at, &SIGN);
    let path = at.join("image.geode");
    let golden = |path: &Path| {
        let bytes = AlignedBytes::read(path).unwrap();
        let golden = bytes.image(path).unwrap().golden.unwrap();
        (golden.crop.to_vec(), golden.embedding.to_vec())
    };
    let before = golden(&path);
    let said = warns(at, &["gallery", "remove", "image.geode", "Ada", "-o", "grace.geode"]);
    assert!(said.contains("was signed as version 7") && said.contains("--version 8"), "{said}");
    assert_eq!(golden(&at.join("grace.geode")), before);
    assert!(fails(at, &["verify", "grace.geode", "--key", &key]).contains("not signed"));
    // Nothing is said of an image that was not signed.
    let said = warns(at, &["gallery", "remove", "grace.geode", "Grace", "-o", "nobody.geode"]);
    assert!(!said.contains("signed"), "{said}");
    std::fs::rename(at.join("people/Ada"), at.join("Ada")).unwrap();
    std::fs::remove_dir_all(at.join("people")).unwrap();
    std::fs::create_dir(at.join("people")).unwrap();
    std::fs::rename(at.join("Ada"), at.join("people/Edith")).unwrap();
    let add = ["gallery", "add", "image.geode", "people", "--aligned", "--allow-duplicates", "--json"];
    let said: Value = serde_json::from_str(&succeeds(at, &add)).unwrap();
    let words = said["warnings"].to_string();
    assert!(words.contains("was signed as version 7"), "{words}");
    succeeds(at, &["sign", "image.geode", "--key", "maker.key", "--version", "8"]);
    succeeds(at, &["verify", "image.geode", "--key", &key, "--floor", "8"]);
}

#[test]
fn keys_are_secret_and_safe() {
    let (folder, key) = scene();
    let at = folder.path();
    let secret = std::fs::read(at.join("maker.key")).unwrap();
    assert!(fails(at, &["keygen", "maker.key"]).contains("is there already"));
    assert_eq!(std::fs::read(at.join("maker.key")).unwrap(), secret);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(at.join("maker.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(fails(at, &[&SIGN[..], &["-o", "maker.key"]].concat()).contains("are one file"));
    assert_eq!(std::fs::read(at.join("maker.key")).unwrap(), secret);
    let sign = ["sign", "image.geode", "--key", "net.onnx", "--version", "7"];
    fails(at, &sign);
    let said = fails(at, &["sign", "image.geode", "--key", "image.geode", "--version", "7"]);
    assert!(said.contains("image.geode"), "{said}");
    let said = is_wrong_use(at, &["verify", "image.geode", "--key", &key[1..]]);
    assert!(said.contains("64 hexadecimal digits"), "{said}");
    is_wrong_use(at, &["sign", "image.geode", "--key", "maker.key", "--version", "-1"]);
}

#[test]
fn every_container_is_signed_in_place() {
    let folder = folder();
    let at = folder.path();
    let key = keygen(at, "maker.key");
    for (format, begin) in [("bin", &b"GEOD"[..]), ("hex", b":"), ("uf2", b"UF2\n"), ("elf", b"\x7fELF")] {
        succeeds(at, &[&EXPORT[..], &["--format", format]].concat());
        succeeds(at, &SIGN);
        assert!(std::fs::read(at.join("image.geode")).unwrap().starts_with(begin), "{format}");
        succeeds(at, &["verify", "image.geode", "--key", &key]);
    }
}

#[test]
fn every_flipped_bit_and_cut_length_of_a_signed_image_is_refused() {
    let (folder, key) = scene();
    let at = folder.path();
    succeeds(at, &SIGN);
    let image = std::fs::read(at.join("image.geode")).unwrap();
    let key = public_key(&key).unwrap();
    let check = |bytes: &[u8], key: PublicKey| verify(&AlignedBytes::copy(bytes), key, 0);
    assert!(check(&image, key).is_ok());
    let header = 8 * (48 + 6 * 48);
    let signature = 8 * (image.len() - 112);
    let sampled = (header..signature).step_by(997);
    for bit in (0..header).chain(sampled).chain(signature..8 * image.len()) {
        let mut flipped = image.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&flipped, key).is_err(), "bit {bit}");
    }
    for length in (0..400).chain((400..image.len()).step_by(331)) {
        assert!(check(&image[..length], key).is_err(), "{length} bytes");
    }
}

#[test]
fn sections_are_replaced_with_and_without_a_signature() {
    let image = join(&sections_of(&tiny_network()));
    let with = replaced(&image, &[(Section::Signature, &[0; 112])]).unwrap();
    let bytes = AlignedBytes::copy(&with);
    assert!(Image::new_checked(bytes.bytes()).unwrap().signature.is_some());
    assert_eq!(replaced::<[u8; 0]>(&with, &[]).unwrap(), image);
}
