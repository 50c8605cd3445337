package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const segment = 65536

// verifyLedger checks a folder: its checkpoint, each closed epoch's root against it, and every record.
func verifyLedger(folder, vkey string) error {
	chain, err := readChain(filepath.Join(folder, "keys"), vkey)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return err
	}
	at, err := openCheckpoint(content, chain)
	if err != nil {
		return err
	}
	var reader tlog.HashReader
	form := "records"
	pruned := int64(0)
	switch {
	case isFolder(folder, "tile"):
		form = "tiles"
		reader = tlog.TileHashReader(tlog.Tree{N: at.size, Hash: at.root}, &tiles{folder})
		pruned, err = checkEntries(folder, at.size, reader)
	case isFolder(folder, "proofs"):
		form = "proofs"
		reader, err = readProofs(folder, content, at)
	default:
		reader, pruned, err = readSegments(folder, at.size)
	}
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(at.size, reader)
	if err != nil {
		return err
	}
	if root != at.root {
		return fmt.Errorf("the %s do not give the checkpoint's root", form)
	}
	for number, each := range chain[1:] {
		if each.size > at.size {
			return fmt.Errorf("epoch %d begins at %d, and the checkpoint has %d records", number+1, each.size, at.size)
		}
		proof, err := tlog.ProveTree(at.size, each.size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, at.size, at.root, each.size, each.root); err != nil {
			return fmt.Errorf("the root at the end of epoch %d: %w", number, err)
		}
	}
	fmt.Printf("sound: %d records in %d epochs, from %s\n", at.size, len(chain), form)
	if pruned > 0 {
		fmt.Printf("pruned: the first %d records, of which only hashes are here\n", pruned)
	}
	return nil
}

// stored keeps all hashes of a tree, as tlog numbers them.
type stored struct {
	hashes []tlog.Hash
	count  int64
}

func (s *stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(s.hashes)) {
			return nil, fmt.Errorf("there is no hash %d", index)
		}
		found[i] = s.hashes[index]
	}
	return found, nil
}

func (s *stored) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(s.count, leaf, s)
	if err != nil {
		return err
	}
	s.hashes = append(s.hashes, hashes...)
	s.count++
	return nil
}

// readSegments builds the tree from a ledger's own files, and from the leaf hashes of those that were pruned, which may
// be the first ones only; it says how many records these had.
func readSegments(folder string, size int64) (*stored, int64, error) {
	tree := &stored{}
	pruned := int64(0)
	for first := int64(0); first < size; first += segment {
		count := size - first
		if count > segment {
			count = segment
		}
		name := fmt.Sprintf("%08d", first)
		content, err := os.ReadFile(filepath.Join(folder, "records", name+".jsonl"))
		if os.IsNotExist(err) && pruned == first && count == segment {
			if err := addPruned(tree, filepath.Join(folder, "hashes", name), count); err != nil {
				return nil, 0, err
			}
			pruned += count
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		for ; count > 0; count-- {
			end := bytes.IndexByte(content, '\n')
			if end < 0 {
				return nil, 0, fmt.Errorf("record %d is missing", tree.count)
			}
			if err := tree.add(tlog.RecordHash(content[:end])); err != nil {
				return nil, 0, err
			}
			content = content[end+1:]
		}
	}
	return tree, pruned, nil
}

func addPruned(tree *stored, path string, count int64) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(content) != segment*tlog.HashSize {
		return fmt.Errorf("%s does not hold the hashes of a segment", path)
	}
	for i := int64(0); i < count; i++ {
		var leaf tlog.Hash
		copy(leaf[:], content[i*tlog.HashSize:])
		if err := tree.add(leaf); err != nil {
			return err
		}
	}
	return nil
}

// tiles reads tlog-tiles, which tlog checks against the tree's root before it uses a hash of them.
type tiles struct {
	folder string
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		name := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		content, err := os.ReadFile(filepath.Join(t.folder, name))
		if err != nil {
			return nil, err
		}
		if len(content) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s is not %d hashes long", name, tile.W)
		}
		found = append(found, content)
	}
	return found, nil
}

// checkEntries compares every record in the bundles with its leaf in the tiles. The bundles of the first segments may
// have been pruned; it says how many records these had.
func checkEntries(folder string, size int64, reader tlog.HashReader) (int64, error) {
	pruned := int64(0)
	for first := int64(0); first < size; first += 256 {
		width := 256
		if size-first < 256 {
			width = int(size - first)
		}
		tile := tlog.Tile{H: 8, L: 0, N: first / 256, W: width}
		name := "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/0/")
		content, err := os.ReadFile(filepath.Join(folder, name))
		if os.IsNotExist(err) && pruned == first && width == 256 {
			pruned += 256
			continue
		}
		if err != nil {
			return 0, err
		}
		if err := checkBundle(name, content, first, width, reader); err != nil {
			return 0, err
		}
	}
	if pruned%segment != 0 {
		return 0, fmt.Errorf("the bundles of the first %d records are missing, which is no whole segment", pruned)
	}
	return pruned, nil
}

func checkBundle(name string, content []byte, first int64, width int, reader tlog.HashReader) error {
	indexes := make([]int64, width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
	}
	leaves, err := reader.ReadHashes(indexes)
	if err != nil {
		return err
	}
	for i, leaf := range leaves {
		if len(content) < 2 {
			return fmt.Errorf("%s ends before record %d", name, first+int64(i))
		}
		length := int(binary.BigEndian.Uint16(content))
		if len(content) < 2+length || tlog.RecordHash(content[2:2+length]) != leaf {
			return fmt.Errorf("record %d in %s is not the one in the tree", first+int64(i), name)
		}
		content = content[2+length:]
	}
	if len(content) > 0 {
		return fmt.Errorf("%s has bytes behind its last record", name)
	}
	return nil
}

func isFolder(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	return err == nil && info.IsDir()
}
