//! What many objects have alike is one in memory: thousands of pods have few specifications, labels and names.
//!
//! Equal values become one as they are read, whichever object they belong to; nobody who reads them sees a difference.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap, hash_map::RandomState},
    fmt,
    hash::{BuildHasher, Hash, Hasher},
    ops::Deref,
    sync::{Arc, LazyLock, Mutex, PoisonError, Weak},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Labels, PodSpec, Quantity, metadata::OwnerReference};

/// A value that is one in memory with every equal one.
pub struct Shared<T: ?Sized>(Arc<T>);

/// A text that many objects repeat: a namespace, a node, a phase, an image.
pub type Text = Shared<str>;

/// Where the values of a type are found; it keeps none of them.
pub struct Pool<T: ?Sized> {
    hasher: RandomState,
    known: Mutex<Known<T>>,
}

struct Known<T: ?Sized> {
    /// By their hash; of two that share one, the later is found.
    values: HashMap<u64, Weak<T>>,
    /// With so many, it is time to look for those that have gone.
    full: usize,
}

/// Fewer values than this are not worth looking through.
const FEW: usize = 1024;

impl<T: ?Sized> Default for Pool<T> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            known: Mutex::new(Known {
                values: HashMap::new(),
                full: FEW,
            }),
        }
    }
}

impl<T: ?Sized + Eq + Hash> Pool<T> {
    /// The known value that is equal, or this one from now on.
    fn one<V: Candidate<T>>(&self, value: V) -> Shared<T> {
        let hash = self.hasher.hash_one(value.as_value());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let there = known.values.get(&hash).and_then(Weak::upgrade);
        if let Some(one) = there.filter(|one| **one == *value.as_value()) {
            return Shared(one);
        }
        // A run that watches for days must not look through what has gone.
        if known.values.len() >= known.full {
            known.values.retain(|_, one| one.strong_count() > 0);
            known.full = FEW.max(2 * known.values.len());
        }
        let one = value.into_one();
        known.values.insert(hash, Arc::downgrade(&one));
        Shared(one)
    }
}

/// A value that may become the one in memory.
trait Candidate<T: ?Sized> {
    fn as_value(&self) -> &T;
    fn into_one(self) -> Arc<T>;
}

impl<T> Candidate<T> for T {
    fn as_value(&self) -> &T {
        self
    }

    fn into_one(self) -> Arc<T> {
        Arc::new(self)
    }
}

impl Candidate<str> for &str {
    fn as_value(&self) -> &str {
        self
    }

    fn into_one(self) -> Arc<str> {
        self.into()
    }
}

/// A type whose equal values are one in memory.
pub trait Alike: Eq + Hash + 'static {
    /// Where they are found.
    fn pool() -> &'static Pool<Self>;
}

macro_rules! alike {
    ($($type:ty),*) => {
        $(impl Alike for $type {
            fn pool() -> &'static Pool<Self> {
                static POOL: LazyLock<Pool<$type>> = LazyLock::new(Pool::default);
                &POOL
            }
        })*
    };
}

alike!(str, PodSpec, Labels, BTreeMap<String, Quantity>, Vec<OwnerReference>);

impl<T: Alike> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        T::pool().one(value)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        str::pool().one(text)
    }
}

impl<T: Alike + Default> Default for Shared<T> {
    fn default() -> Self {
        T::default().into()
    }
}

impl Default for Text {
    fn default() -> Self {
        "".into()
    }
}

impl<'de, T: Alike + Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl<T: ?Sized + Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<T: ?Sized> Shared<T> {
    /// Whether both are one in memory, and so equal; what is not may be equal all the same.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Text {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

#[expect(clippy::into_iter_without_iter, reason = "`iter` is that of the value")]
impl<'a, T: ?Sized> IntoIterator for &'a Shared<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&*self.0).into_iter()
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.0 == other.0
    }
}

impl<T: ?Sized + Eq> Eq for Shared<T> {}

impl<T: ?Sized + PartialOrd> PartialOrd for Shared<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl<T: ?Sized + Ord> Ord for Shared<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl<T: ?Sized + Hash> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        other == self
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        other == *self
    }
}

impl PartialEq<Text> for String {
    fn eq(&self, other: &Text) -> bool {
        other == self.as_str()
    }
}

impl PartialEq<String> for Text {
    fn eq(&self, other: &String) -> bool {
        &*self.0 == other.as_str()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for Shared<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, PodSpec, Pool, Shared, Text};

    #[test]
    fn equal_values_are_one_wherever_they_are_read() {
        let read = |text: &str| serde_json::from_str::<Shared<PodSpec>>(text).unwrap();
        let one = read(r#"{"containers":[{"name":"a","image":"i"}]}"#);
        let same = read(r#"{"containers":[{"image":"i","name":"a"}],"volumes":[]}"#);
        let other = read(r#"{"containers":[{"name":"b","image":"i"}]}"#);
        assert!(one.is_same(&same) && one == same);
        assert!(!one.is_same(&other) && one != other);
        let text: Text = serde_json::from_value("shop".into()).unwrap();
        assert!(text.is_same(&"shop".into()) && text == "shop");
        assert_eq!(serde_json::to_string(&text).unwrap(), "\"shop\"");
    }

    #[test]
    fn what_nobody_has_any_more_is_not_kept() {
        let pool = Pool::<str>::default();
        let kept = pool.one("kept");
        for number in 0..3 * FEW {
            pool.one(number.to_string().as_str());
        }
        assert!(pool.known.lock().unwrap().values.len() <= FEW);
        assert!(pool.one("kept").is_same(&kept));
    }
}
