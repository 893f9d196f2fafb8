//! Files in which nobody looks for keys, by their path.

/// Folders whose contents somebody else wrote, or a tool made.
pub const VENDORED: [&str; 8] =
    ["node_modules", "bower_components", "vendor", "third_party", "jspm_packages", "Pods", "__pycache__", "target"];

/// Endings of files that hold no text, and so no key that could be read.
pub const NO_TEXT: [&str; 52] = [
    "7z", "a", "aab", "aac", "apk", "avi", "bmp", "bson", "bz2", "car", "class", "dll", "doc", "docx", "dylib", "eot",
    "exe", "flac", "gif", "gz", "heic", "icns", "ico", "ipa", "jar", "jpeg", "jpg", "m4a", "mov", "mp3", "mp4", "nib",
    "o", "ogg", "otf", "pdf", "png", "psd", "pyc", "so", "tar", "tgz", "tif", "tiff", "ttf", "wasm", "wav", "webm",
    "webp", "woff", "woff2", "zip",
];

/// Endings of archives that can be opened, most of them zip by another name.
pub const ARCHIVES: [&str; 10] = ["aab", "apk", "ear", "gz", "ipa", "jar", "tar", "tgz", "war", "zip"];

/// Whether what lies in a folder of this name is passed by.
pub fn is_vendored(name: &str) -> bool {
    VENDORED.contains(&name)
}

/// Whether a file of this name holds no text.
pub fn is_no_text(name: &str) -> bool {
    has_ending(name, &NO_TEXT)
}

/// Whether a file of this name may be opened as an archive. The one that Gradle puts into every
/// repository is the same everywhere.
pub fn is_archive(name: &str) -> bool {
    has_ending(name, &ARCHIVES) && name != "gradle-wrapper.jar"
}

fn has_ending(name: &str, endings: &[&str]) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    endings.iter().any(|ending| ending.eq_ignore_ascii_case(extension))
}
