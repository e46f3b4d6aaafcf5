//! The fields of a DER sequence or set, one after the other, each kept as it came (ITU-T X.690).

use der::{AnyRef, Decode, Reader, SliceReader, Tag, TagNumber, Tagged};

use super::{ENTRIES_MAX, Error};

/// The tag [number] of a constructed, context-specific field.
pub(crate) const fn context(number: u8) -> Tag {
    Tag::ContextSpecific { constructed: true, number: TagNumber::new(number) }
}

/// One field, borrowed from the input.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) tag: Tag,
    pub(crate) value: &'a [u8],
    /// Tag, length and value as they stood in the input.
    pub(crate) encoded: &'a [u8],
}

/// Reads fields in order. Nothing recurses: whoever wants the inside of a field asks for it.
pub(crate) struct Fields<'a> {
    reader: SliceReader<'a>,
    name: &'static str,
}

impl<'a> Fields<'a> {
    /// Reads the fields in `content`; `name` is for errors.
    pub(crate) fn new(content: &'a [u8], name: &'static str) -> Result<Self, Error> {
        let reader = SliceReader::new(content).map_err(|_| Error::Malformed(name))?;
        Ok(Self { reader, name })
    }

    /// The same fields under another name.
    pub(crate) fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    fn malformed(&self) -> Error {
        Error::Malformed(self.name)
    }

    /// The next field, whatever it is; `None` at the end.
    pub(crate) fn any(&mut self) -> Result<Option<Field<'a>>, Error> {
        if self.reader.is_finished() {
            return Ok(None);
        }
        let encoded = self.reader.tlv_bytes().map_err(|_| self.malformed())?;
        let any = AnyRef::from_der(encoded).map_err(|_| self.malformed())?;
        Ok(Some(Field { tag: any.tag(), value: any.value(), encoded }))
    }

    /// The next field, whatever it is.
    pub(crate) fn any_or_missing(&mut self) -> Result<Field<'a>, Error> {
        self.any()?.ok_or_else(|| self.malformed())
    }

    /// The next field, which must have this tag.
    pub(crate) fn field(&mut self, tag: Tag) -> Result<Field<'a>, Error> {
        let field = self.any_or_missing()?;
        if field.tag == tag { Ok(field) } else { Err(self.malformed()) }
    }

    /// The value of the next field, which must have this tag.
    pub(crate) fn value(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
        Ok(self.field(tag)?.value)
    }

    /// The fields in the next field, which must have this tag.
    pub(crate) fn inside(&mut self, tag: Tag) -> Result<Fields<'a>, Error> {
        Fields::new(self.field(tag)?.value, self.name)
    }

    /// The next field, if it has this tag.
    pub(crate) fn field_if(&mut self, tag: Tag) -> Result<Option<Field<'a>>, Error> {
        let is_next = !self.reader.is_finished() && self.reader.peek_tag().is_ok_and(|next| next == tag);
        if is_next { self.field(tag).map(Some) } else { Ok(None) }
    }

    /// The fields in the next field, if it has this tag.
    pub(crate) fn inside_if(&mut self, tag: Tag) -> Result<Option<Fields<'a>>, Error> {
        self.field_if(tag)?.map(|field| Fields::new(field.value, self.name)).transpose()
    }

    /// The next field as this type.
    pub(crate) fn decode<T: Decode<'a>>(&mut self) -> Result<T, Error> {
        self.reader.decode().map_err(|_| self.malformed())
    }

    /// Everything up to the end, by `read`, which takes one entry each time.
    pub(crate) fn entries<T>(
        mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut entries = Vec::new();
        while !self.reader.is_finished() {
            if entries.len() == ENTRIES_MAX {
                return Err(Error::TooMany(self.name));
            }
            entries.push(read(&mut self)?);
        }
        Ok(entries)
    }

    /// Checks that nothing is left over.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.reader.is_finished() { Ok(()) } else { Err(self.malformed()) }
    }
}
