//! Small images made by hand, signed with keys of the tests.

use std::vec::Vec;

use ed25519_dalek::{Signer, SigningKey};
use format::gallery::{self, Person};
use format::golden::{self, Golden};
use format::header::{self, Section};
use format::layer::{Element, Layer, Operator, Stage, Tensor, Window};
use format::network::{self, Function, Head, Output};
use format::policy::{self, Angle, Basis, Kind, ONE_Q30, Terms, Threshold};
use format::preprocess::{Colour, Preprocess};
use format::signature::{self, Signature, message};
use format::{Image, ModelId, Role};
use nn::Network;

/// Elements of an embedding.
pub const DIMENSION: usize = 3;

/// Bytes aligned as an image must be.
#[derive(Clone, Default)]
pub struct Aligned(Vec<u128>, usize);

impl Aligned {
    /// A copy.
    pub fn copy(bytes: &[u8]) -> Self {
        let mut words = std::vec![0; bytes.len().div_ceil(16)];
        bytemuck::cast_slice_mut(&mut words)[..bytes.len()].copy_from_slice(bytes);
        Aligned(words, bytes.len())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.0)[..self.1]
    }
}

/// An arena for the networks here.
pub fn arena() -> nn::network::Arena<256> {
    nn::network::Arena::new()
}

/// The maker's key.
pub fn maker() -> SigningKey {
    SigningKey::from_bytes(&[11; 32])
}

fn tensor(extent: u16, channels: u16, element: Element, offset: u32) -> Tensor {
    Tensor { height: extent, width: extent, channels, element, zero_point: 0, ring: extent, offset }
}

/// A NETWORK section: a convolution of a 2 × 2 grey crop to three elements. `weight` makes another network of it.
fn network(weight: i8) -> Vec<u8> {
    let mut blob = std::vec![0; 64];
    let weights: [i8; 12] = [100, 0, 0, 0, 0, weight, -50, 0, 3, -3, 30, 100];
    blob[..12].copy_from_slice(&weights.map(|weight| weight as u8));
    for (at, words) in [(16, [10i32, -20, 0]), (32, [1 << 30; 3]), (48, [1 << 28; 3])] {
        blob[at..at + 12].copy_from_slice(&words.map(i32::to_le_bytes).concat());
    }
    let stage = Stage { bias: 16, positive: 32, negative: 48, shift: 0, low: -32767, high: 32767 };
    let window = Window { kernel: [2, 2], ..Window::PIXEL };
    let conv = Layer::new(Operator::Conv, &[0], tensor(1, 3, Element::I16, 32));
    let layers = [
        Layer::new(Operator::Input, &[], tensor(2, 1, Element::I8, 16)),
        Layer { window, weights: 0, stage, ..conv },
    ];
    let outputs = [Output { name: "out", tensor: 1, scale: 0.5, function: Function::Identity }];
    let input = Preprocess {
        height: 2,
        width: 2,
        colour: Colour::Grey,
        mean: 127.5,
        scale: 128.0,
        template: [[64, 64]; 5],
    };
    let head = Head { name: "tiny", source: [7; 32], input, arena_bytes: 64, state_bytes: 16 };
    let mut section = std::vec![0; network::emitted_bytes(2, 1, 0, blob.len())];
    network::emit(&head, &layers, &outputs, &[], &blob, &mut section);
    section
}

/// The id of [`Plan::weight`]'s network.
pub fn network_id(weight: i8) -> ModelId {
    ModelId::of_section(&network(weight))
}

/// An image to make.
pub struct Plan {
    /// Makes the network.
    pub weight: i8,
    /// The person enrolled in it; other names make other images.
    pub person: &'static str,
    /// What is added to the first element of the golden embedding. Without, there is none.
    pub golden: Option<i16>,
    /// The version, if it is signed.
    pub version: Option<u32>,
}

impl Default for Plan {
    fn default() -> Self {
        Plan { weight: 100, person: "Ada", golden: Some(0), version: Some(1) }
    }
}

impl Plan {
    /// The image.
    pub fn image(&self) -> Vec<u8> {
        let network = network(self.weight);
        let model = ModelId::of_section(&network);
        let person = [Person { name: self.person, photos: 1 }];
        let mut gallery = std::vec![0; gallery::emitted_bytes(DIMENSION, &person, 1)];
        gallery::emit(model, DIMENSION, &person, &[(0, &[127, 3, 4])], &mut gallery);
        let terms = Terms {
            model,
            kind: Kind::Absolute,
            fpir_ppm: 3000,
            basis: Basis::Given,
            margin: Angle::ZERO,
            cap: Angle::ZERO,
            certificate: Angle::ZERO,
            quantisation_urad: 0,
            logit_scale: 64.0,
        };
        let threshold = Threshold { people: 1, cosine_q30: ONE_Q30 / 2, fpir_upper_ppm: 1_000_000 };
        let mut policy = std::vec![0; policy::emitted_bytes(1)];
        policy::emit(&terms, [threshold].into_iter(), &mut policy);
        let golden = self.golden.map(|added| golden(&network, added));
        let mut sections: Vec<(Section, Vec<u8>)> = std::vec![
            (Section::Network(Role::Embedder), network),
            (Section::Gallery, gallery),
            (Section::Policy, policy)
        ];
        sections.extend(golden.map(|golden| (Section::Golden, golden)));
        let Some(version) = self.version else { return join(&sections) };
        sections.push((Section::Signature, std::vec![0; signature::BYTES]));
        let image = join(&sections);
        let digest = Image::new_checked(Aligned::copy(&image).bytes()).unwrap().digest;
        sections.pop();
        sections.push((Section::Signature, sign(&maker(), &digest, version)));
        join(&sections)
    }
}

/// A SIGNATURE section.
pub fn sign(key: &SigningKey, digest: &[u8; 32], version: u32) -> Vec<u8> {
    let signature = key.sign(&message(digest, version)).to_bytes();
    let key = key.verifying_key().to_bytes();
    Signature { version, key: &key, signature: &signature }.emit().to_vec()
}

fn golden(network: &[u8], added: i16) -> Vec<u8> {
    let section = Aligned::copy(network);
    let model = network::Model::new_checked(Role::Embedder, section.bytes()).unwrap();
    let mut arena = arena();
    let network = Network::new(model, &mut arena.0).unwrap();
    let crop = [10, 200, 30, 90];
    let mut embedding = [0; DIMENSION];
    network.embed(&mut &crop[..], &mut arena.0, &mut embedding).unwrap();
    embedding[0] += added;
    let mut section = std::vec![0; golden::emitted_bytes(DIMENSION, crop.len())];
    Golden { embedding: &embedding, crop: &crop }.emit(&mut section);
    section
}

fn join(sections: &[(Section, Vec<u8>)]) -> Vec<u8> {
    let sections: Vec<(Section, &[u8])> =
        sections.iter().map(|(section, bytes)| (*section, &**bytes)).collect();
    let mut image = std::vec![0; header::emitted_bytes(&sections).unwrap()];
    header::emit(&sections, &mut image);
    image
}
