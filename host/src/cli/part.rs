//! Which part of an ONNX file is taken, for photos of which size.

use clap::Args;
use host::onnx::Cut;

use super::values::size;

#[derive(Debug, Args)]
pub struct Part {
    /// Height and width of crops, such as 112x96, where the file leaves them open [default: the network's].
    #[arg(long, value_parser = size)]
    size: Option<[usize; 2]>,
    /// Name of the output that is the embedding, where the file has several; or of any value, to cut the network there.
    #[arg(long)]
    embedding: Option<String>,
}

impl Part {
    /// Whether a part is named.
    pub fn is_chosen(&self) -> bool {
        self.size.is_some() || self.embedding.is_some()
    }

    pub fn cut(&self) -> Cut {
        Cut { size: self.size, outputs: self.embedding.iter().cloned().collect(), ..Cut::default() }
    }
}
